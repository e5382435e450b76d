<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
 <context>
  <name>Studio</name>
  <message>
   <source>"many": element-wise minimum of the three</source>
   <translation>“many”：三者逐元素取最小值</translation>
  </message>
  <message>
   <source>&amp;About</source>
   <translation>关于(&amp;A)</translation>
  </message>
  <message>
   <source>&amp;Crash reports</source>
   <translation>崩溃报告(&amp;C)</translation>
  </message>
  <message>
   <source>&amp;Edit</source>
   <translation>编辑(&amp;E)</translation>
  </message>
  <message>
   <source>&amp;File</source>
   <translation>文件(&amp;F)</translation>
  </message>
  <message>
   <source>&amp;Help</source>
   <translation>帮助(&amp;H)</translation>
  </message>
  <message>
   <source>&amp;Jobs</source>
   <translation>任务(&amp;J)</translation>
  </message>
  <message>
   <source>&amp;Keyboard shortcuts</source>
   <translation>键盘快捷键(&amp;K)</translation>
  </message>
  <message>
   <source>&amp;Language</source>
   <translation>语言(&amp;L)</translation>
  </message>
  <message>
   <source>&amp;New project</source>
   <translation>新建项目(&amp;N)</translation>
  </message>
  <message>
   <source>&amp;Open...</source>
   <translation>打开(&amp;O)...</translation>
  </message>
  <message>
   <source>&amp;Quit</source>
   <translation>退出(&amp;Q)</translation>
  </message>
  <message>
   <source>&amp;Redo</source>
   <translation>重做(&amp;R)</translation>
  </message>
  <message>
   <source>&amp;Redo: {what}</source>
   <translation>重做(&amp;R): {what}</translation>
  </message>
  <message>
   <source>&amp;Save</source>
   <translation>保存(&amp;S)</translation>
  </message>
  <message>
   <source>&amp;Theme</source>
   <translation>外观(&amp;T)</translation>
  </message>
  <message>
   <source>&amp;Undo</source>
   <translation>撤销(&amp;U)</translation>
  </message>
  <message>
   <source>&amp;Undo: {what}</source>
   <translation>撤销(&amp;U): {what}</translation>
  </message>
  <message>
   <source>&amp;View</source>
   <translation>视图(&amp;V)</translation>
  </message>
  <message>
   <source>1 - cosine between the faces that both models draw.</source>
   <translation>1 减去两个模型所绘人脸之间的余弦相似度。</translation>
  </message>
  <message>
   <source>1 file</source>
   <translation>1 个文件</translation>
  </message>
  <message>
   <source>16-bit floats</source>
   <translation>16 位浮点数</translation>
  </message>
  <message>
   <source>16-bit numbers: half the size, and what phones' graphics chips compute with.</source>
   <translation>16 位数值：体积减半，也是手机图形芯片的计算格式。</translation>
  </message>
  <message>
   <source>32-bit floats</source>
   <translation>32 位浮点数</translation>
  </message>
  <message>
   <source>4 bits are too few here: take int8 weights, or smaller blocks where the target has them.</source>
   <translation>此处 4 位不够：请改用 int8 权重，或在目标支持时使用更小的分块。</translation>
  </message>
  <message>
   <source>4-bit weights that share a scale, where the target can; 0 for all weights of an output channel.</source>
   <translation>共用一个缩放系数的 4 位权重数（目标支持时）；0 表示输出通道的全部权重。</translation>
  </message>
  <message>
   <source>5,518,336 parameters</source>
   <translation>5,518,336 个参数</translation>
  </message>
  <message>
   <source>68 x (x, y) in fractions of the crop, a square 1.1 times the longer side of the face box</source>
   <translation>68 个 (x, y)，以裁剪区的比例表示；裁剪区为边长等于人脸框长边 1.1 倍的正方形</translation>
  </message>
  <message>
   <source>8-bit integers</source>
   <translation>8 位整数</translation>
  </message>
  <message>
   <source>8.57 GMAC; 45 convs of which 20 take a run-time-computed (style-modulated) kernel = 87% of the work; rank-6 tensors from upfirdn2d; exact rewrite to static kernels exists</source>
   <translation>8.57 GMAC；45 个卷积中有 20 个使用运行时计算（风格调制）的卷积核，占计算量的 87%；upfirdn2d 产生 6 维张量；可精确改写为静态卷积核</translation>
  </message>
  <message>
   <source>95 % of the pictures are no worse</source>
   <translation>95% 的图片不比这更差</translation>
  </message>
  <message>
   <source>95 of 100 frames lose less than this</source>
   <translation>100 帧中有 95 帧的损失低于此值</translation>
  </message>
  <message>
   <source>98 x (x, y) in fractions of the crop</source>
   <translation>98 个 (x, y)，以裁剪区的比例表示</translation>
  </message>
  <message>
   <source>A busy CPU, GPU or neural unit is taken to heat as much as the graphics test did; a neural unit may heat less.</source>
   <translation>假定繁忙的 CPU、GPU 或神经单元的发热与图形测试相同；神经单元的发热可能更少。</translation>
  </message>
  <message>
   <source>A conversion is running</source>
   <translation>正在转换</translation>
  </message>
  <message>
   <source>A folder of that name is there and holds other things. Choose another name.</source>
   <translation>同名文件夹已存在且含有其他内容。请换一个名称。</translation>
  </message>
  <message>
   <source>A lens under the pointer that shows both pictures four times as large (G)</source>
   <translation>指针下的放大镜，将两边画面放大四倍显示（G）</translation>
  </message>
  <message>
   <source>A picture's value in the model = (pixel / 255 - mean) / deviation, in this colour order.</source>
   <translation>图片在模型中的值 =（像素 / 255 - 均值）/ 标准差，通道按此颜色顺序。</translation>
  </message>
  <message>
   <source>A report was written to {path}. It was not sent to anybody.</source>
   <translation>报告已写入 {path}。它没有发送给任何人。</translation>
  </message>
  <message>
   <source>About</source>
   <translation>关于</translation>
  </message>
  <message>
   <source>About {size} of {size_now}, {parameters} of {parameters_now} parameters, {macs} of {macs_now} multiply-accumulates ({share}) would be left.</source>
   <translation>大约剩余 {size}（共 {size_now}）、{parameters} 个参数（共 {parameters_now}）、{macs} 次乘加运算（共 {macs_now}，{share}）。</translation>
  </message>
  <message>
   <source>AdaRound</source>
   <translation>AdaRound</translation>
  </message>
  <message>
   <source>Add</source>
   <translation>添加</translation>
  </message>
  <message>
   <source>Add a file to compare</source>
   <translation>添加要对比的文件</translation>
  </message>
  <message>
   <source>Add all these frames to the calibration set</source>
   <translation>将所有这些帧加入校准集</translation>
  </message>
  <message>
   <source>Add calibration pictures</source>
   <translation>添加校准图片</translation>
  </message>
  <message>
   <source>Add file…</source>
   <translation>添加文件…</translation>
  </message>
  <message>
   <source>Add pictures of the people the model is for: int8 fails on those left out</source>
   <translation>请添加模型所面向人群的图片：int8 在未覆盖的人群上会失效</translation>
  </message>
  <message>
   <source>Add the {count} chosen frames to the calibration set</source>
   <translation>将所选的 {count} 帧加入校准集</translation>
  </message>
  <message>
   <source>Add to calibration</source>
   <translation>加入校准集</translation>
  </message>
  <message>
   <source>Adding pictures to calibration</source>
   <translation>正在将图片加入校准集</translation>
  </message>
  <message>
   <source>Adds every change that mends a finding to the recipe; each is proven exact.</source>
   <translation>将所有能解决检查结果的更改加入配方；每一项都经过精确性验证。</translation>
  </message>
  <message>
   <source>Advice</source>
   <translation>建议</translation>
  </message>
  <message>
   <source>Align</source>
   <translation>对齐</translation>
  </message>
  <message>
   <source>All</source>
   <translation>全部</translation>
  </message>
  <message>
   <source>All files</source>
   <translation>所有文件</translation>
  </message>
  <message>
   <source>All files (*)</source>
   <translation>所有文件 (*)</translation>
  </message>
  <message>
   <source>All numbers</source>
   <translation>全部数值</translation>
  </message>
  <message>
   <source>All of these files are made and verified already.</source>
   <translation>这些文件均已生成并通过验证。</translation>
  </message>
  <message>
   <source>All sizes of {name}, separated by commas, like 1,3,256,256.</source>
   <translation>{name} 的全部尺寸，用逗号分隔，例如 1,3,256,256。</translation>
  </message>
  <message>
   <source>An earlier export is there; you will be asked before it is replaced.</source>
   <translation>该处已有之前的导出；替换前会先询问。</translation>
  </message>
  <message>
   <source>Another program has written to it: it is not what was verified.</source>
   <translation>其他程序改写了它：已不是通过验证的文件。</translation>
  </message>
  <message>
   <source>Apply</source>
   <translation>应用</translation>
  </message>
  <message>
   <source>Apply all</source>
   <translation>全部应用</translation>
  </message>
  <message>
   <source>Apply all advised changes</source>
   <translation>应用所有建议的更改</translation>
  </message>
  <message>
   <source>Apply {names}</source>
   <translation>应用 {names}</translation>
  </message>
  <message>
   <source>Apply {title}</source>
   <translation>应用{title}</translation>
  </message>
  <message>
   <source>Arithmetic on the cost table: work between two pruned layers shrinks with the square of what stays. It says nothing about the picture, nor about time: phones compute channels in blocks of 8 or 16.</source>
   <translation>根据开销表推算：两个被剪枝层之间的计算量按保留比例的平方缩减。它不反映画面质量，也不反映耗时：手机按 8 或 16 个通道为一块计算。</translation>
  </message>
  <message>
   <source>As a fraction of the output's span.</source>
   <translation>占输出取值跨度的比例。</translation>
  </message>
  <message>
   <source>As an app must: from 30 down to 15 frames a second, and a smaller picture, until the phone is cooler</source>
   <translation>如同应用必须做的那样：从每秒 30 帧降到 15 帧并缩小画面，直到手机降温</translation>
  </message>
  <message>
   <source>As set here</source>
   <translation>此处的设置</translation>
  </message>
  <message>
   <source>As the system</source>
   <translation>跟随系统</translation>
  </message>
  <message>
   <source>Asking the targets</source>
   <translation>正在询问各目标</translation>
  </message>
  <message>
   <source>Asking what each target can do</source>
   <translation>正在询问各目标的能力</translation>
  </message>
  <message>
   <source>Assumptions, where no source says it:</source>
   <translation>没有来源说明之处的假定：</translation>
  </message>
  <message>
   <source>At most this many pictures</source>
   <translation>图片数上限</translation>
  </message>
  <message>
   <source>At {names}</source>
   <translation>位于 {names}</translation>
  </message>
  <message>
   <source>At {names} and {count} more</source>
   <translation>位于 {names} 及另外 {count} 处</translation>
  </message>
  <message>
   <source>Automatic mixed precision: search for the smallest file that loses no more than the budget</source>
   <translation>自动混合精度：寻找损失不超过预算的最小文件</translation>
  </message>
  <message>
   <source>Axes of pictures at the file's edge; phones are faster with channels last (nhwc).</source>
   <translation>文件输入输出处图片的轴顺序；通道在后 (nhwc) 时手机更快。</translation>
  </message>
  <message>
   <source>Back to policy</source>
   <translation>恢复为策略</translation>
  </message>
  <message>
   <source>Before every conversion the graph is simplified.</source>
   <translation>每次转换前都会简化计算图。</translation>
  </message>
  <message>
   <source>Before every conversion: folds constants, removes what does nothing, merges what can be one operator.</source>
   <translation>每次转换前：折叠常量，移除无作用的节点，合并可合并的算子。</translation>
  </message>
  <message>
   <source>Begin again at the end</source>
   <translation>播完后重新开始</translation>
  </message>
  <message>
   <source>Between both sides' embeddings of a face; 1 for the same</source>
   <translation>两边对同一人脸的嵌入之间的余弦；1 表示相同</translation>
  </message>
  <message>
   <source>Between the two embeddings of one picture.</source>
   <translation>同一图片的两个特征向量之间。</translation>
  </message>
  <message>
   <source>Bits of each weight with the precision palette.</source>
   <translation>调色板精度下每个权重的位数。</translation>
  </message>
  <message>
   <source>Blame</source>
   <translation>归因</translation>
  </message>
  <message>
   <source>Both models work on the same frames, side by side, as fast as this computer can.</source>
   <translation>两个模型并排处理相同的画面，速度取决于这台计算机。</translation>
  </message>
  <message>
   <source>Both pictures beside each other; zoom and pan go in step</source>
   <translation>两幅画面并排显示；缩放和平移同步</translation>
  </message>
  <message>
   <source>Both pictures in one, with a divider to drag</source>
   <translation>两幅画面合为一幅，分隔线可拖动</translation>
  </message>
  <message>
   <source>Both pictures in turn, twice a second: the eye sees what jumps</source>
   <translation>两幅画面每秒交替两次：跳动之处一目了然</translation>
  </message>
  <message>
   <source>Both sides get the same faces, so these hold for the original and the candidate.</source>
   <translation>两侧得到相同的人脸，因此这些设置对原始模型和候选模型都有效。</translation>
  </message>
  <message>
   <source>Boxes matched</source>
   <translation>框匹配</translation>
  </message>
  <message>
   <source>Broken</source>
   <translation>损坏</translation>
  </message>
  <message>
   <source>Budget</source>
   <translation>预算</translation>
  </message>
  <message>
   <source>Building palettes</source>
   <translation>正在生成调色板</translation>
  </message>
  <message>
   <source>Building the torch view</source>
   <translation>正在构建 torch 视图</translation>
  </message>
  <message>
   <source>Built alike, not told apart</source>
   <translation>结构相同，无法区分</translation>
  </message>
  <message>
   <source>Built-in</source>
   <translation>内置</translation>
  </message>
  <message>
   <source>Built-in clip</source>
   <translation>内置短片</translation>
  </message>
  <message>
   <source>Built-in crops</source>
   <translation>内置裁剪图</translation>
  </message>
  <message>
   <source>Built-in face</source>
   <translation>内置人脸</translation>
  </message>
  <message>
   <source>Built-in face crops</source>
   <translation>内置人脸裁剪图</translation>
  </message>
  <message>
   <source>Built-in faces</source>
   <translation>内置人脸</translation>
  </message>
  <message>
   <source>By how much the cosine to the source's face fell.</source>
   <translation>与来源人脸的余弦相似度下降了多少。</translation>
  </message>
  <message>
   <source>By what channels are judged</source>
   <translation>通道的评判依据</translation>
  </message>
  <message>
   <source>By what channels are judged. Not available yet.</source>
   <translation>通道的评判依据。尚不可用。</translation>
  </message>
  <message>
   <source>Bytes of its results</source>
   <translation>结果占用的字节数</translation>
  </message>
  <message>
   <source>CPU</source>
   <translation>CPU</translation>
  </message>
  <message>
   <source>Calibrate 8-bit numbers and see what they do to the picture</source>
   <translation>校准 8 位数值，查看它们对画面的影响</translation>
  </message>
  <message>
   <source>Calibration</source>
   <translation>校准</translation>
  </message>
  <message>
   <source>Calibration pictures from a camera</source>
   <translation>摄像头拍摄的校准图片</translation>
  </message>
  <message>
   <source>Calibration pictures, schemes and ranges of int8 files</source>
   <translation>int8 文件的校准图片、方案和范围</translation>
  </message>
  <message>
   <source>Calibration samples</source>
   <translation>校准样本</translation>
  </message>
  <message>
   <source>Calibration samples at most.</source>
   <translation>校准样本数上限。</translation>
  </message>
  <message>
   <source>Calibration set</source>
   <translation>校准集</translation>
  </message>
  <message>
   <source>Calibration set and settings</source>
   <translation>校准集与设置</translation>
  </message>
  <message>
   <source>Camera</source>
   <translation>摄像头</translation>
  </message>
  <message>
   <source>Camera {number}</source>
   <translation>摄像头 {number}</translation>
  </message>
  <message>
   <source>Camera, finding faces and drawing together are taken to cost a quarter of the heat of full load, at 30 frames a second of the whole frame.</source>
   <translation>假定以每秒 30 帧处理整幅画面时，相机、查找人脸和绘制合计产生满负载四分之一的热量。</translation>
  </message>
  <message>
   <source>Camera…</source>
   <translation>摄像头…</translation>
  </message>
  <message>
   <source>Cancel</source>
   <translation>取消</translation>
  </message>
  <message>
   <source>Cancel the conversion</source>
   <translation>取消转换</translation>
  </message>
  <message>
   <source>Cancel the jobs and close</source>
   <translation>取消任务并关闭</translation>
  </message>
  <message>
   <source>Cancel the jobs and go on</source>
   <translation>取消任务并继续</translation>
  </message>
  <message>
   <source>Cancelled</source>
   <translation>已取消</translation>
  </message>
  <message>
   <source>Cancelled. Nothing of this conversion was kept.</source>
   <translation>已取消。本次转换未保留任何内容。</translation>
  </message>
  <message>
   <source>Candidate</source>
   <translation>候选</translation>
  </message>
  <message>
   <source>Candidate takes</source>
   <translation>候选模型耗时</translation>
  </message>
  <message>
   <source>Candidate · {name}</source>
   <translation>候选 · {name}</translation>
  </message>
  <message>
   <source>Candidates</source>
   <translation>候选</translation>
  </message>
  <message>
   <source>Cannot be made here. {reason}</source>
   <translation>此处无法生成。{reason}</translation>
  </message>
  <message>
   <source>Change a quantization setting</source>
   <translation>更改量化设置</translation>
  </message>
  <message>
   <source>Change an option of {target}</source>
   <translation>更改 {target} 的选项</translation>
  </message>
  <message>
   <source>Change the calibration set</source>
   <translation>更改校准集</translation>
  </message>
  <message>
   <source>Change the verification</source>
   <translation>更改验证设置</translation>
  </message>
  <message>
   <source>Changed since</source>
   <translation>之后被更改</translation>
  </message>
  <message>
   <source>Channels</source>
   <translation>通道</translation>
  </message>
  <message>
   <source>Channels removed</source>
   <translation>移除的通道</translation>
  </message>
  <message>
   <source>Checking</source>
   <translation>正在检查</translation>
  </message>
  <message>
   <source>Checking the file</source>
   <translation>正在检查文件</translation>
  </message>
  <message>
   <source>Checking the graph</source>
   <translation>正在检查计算图</translation>
  </message>
  <message>
   <source>Checking the video</source>
   <translation>正在检查视频</translation>
  </message>
  <message>
   <source>Choose a folder of pictures</source>
   <translation>选择图片文件夹</translation>
  </message>
  <message>
   <source>Choose a folder of pictures to verify on</source>
   <translation>选择用于验证的图片文件夹</translation>
  </message>
  <message>
   <source>Choose a folder that holds a model (Ctrl+Shift+O)</source>
   <translation>选择包含模型的文件夹 (Ctrl+Shift+O)</translation>
  </message>
  <message>
   <source>Choose a layer to see the values that it reads and writes.</source>
   <translation>选择一层以查看它读入和写出的值。</translation>
  </message>
  <message>
   <source>Choose a model file or project (Ctrl+O)</source>
   <translation>选择模型文件或项目 (Ctrl+O)</translation>
  </message>
  <message>
   <source>Choose a phone to see the pictures at its speed, as warm as it would grow.</source>
   <translation>选择一部手机，以它的速度和升温情况观看画面。</translation>
  </message>
  <message>
   <source>Choose a video</source>
   <translation>选择视频</translation>
  </message>
  <message>
   <source>Choose a video file</source>
   <translation>选择一个视频文件</translation>
  </message>
  <message>
   <source>Choose all current files that passed their verification</source>
   <translation>选择所有通过验证的最新文件</translation>
  </message>
  <message>
   <source>Choose another candidate or another source, then start it again.</source>
   <translation>请选择其他候选模型或其他来源，然后重新启动。</translation>
  </message>
  <message>
   <source>Choose at least one candidate.</source>
   <translation>请至少选择一个候选。</translation>
  </message>
  <message>
   <source>Choose at least one file.</source>
   <translation>请至少选择一个文件。</translation>
  </message>
  <message>
   <source>Choose at least one kind of file first</source>
   <translation>请先选择至少一种文件</translation>
  </message>
  <message>
   <source>Choose files</source>
   <translation>选择文件</translation>
  </message>
  <message>
   <source>Choose schemes</source>
   <translation>选择方案</translation>
  </message>
  <message>
   <source>Choose schemes within a budget</source>
   <translation>在预算内选择方案</translation>
  </message>
  <message>
   <source>Choose schemes within the budget</source>
   <translation>在预算内选择方案</translation>
  </message>
  <message>
   <source>Choose targets and precisions at the left, then press Convert. What was made appears here.</source>
   <translation>在左侧选择目标和精度，然后点击“转换”。生成的文件会显示在这里。</translation>
  </message>
  <message>
   <source>Choose the current Core ML packages</source>
   <translation>选择最新的 Core ML 包</translation>
  </message>
  <message>
   <source>Choose the current TFLite and MNN files</source>
   <translation>选择最新的 TFLite 和 MNN 文件</translation>
  </message>
  <message>
   <source>Choose the folder</source>
   <translation>选择文件夹</translation>
  </message>
  <message>
   <source>Choose the folder that the new one is made in</source>
   <translation>选择新文件夹所在的位置</translation>
  </message>
  <message>
   <source>Choose what to make: MNN and TFLite for Android, Core ML for iPhones, ONNX for the desktop.</source>
   <translation>选择要生成的文件：MNN 和 TFLite 用于 Android，Core ML 用于 iPhone，ONNX 用于桌面。</translation>
  </message>
  <message>
   <source>Choose…</source>
   <translation>选择…</translation>
  </message>
  <message>
   <source>Choosing schemes for {model} within {budget}</source>
   <translation>正在为 {model} 选择方案（预算 {budget}）</translation>
  </message>
  <message>
   <source>Choosing schemes. The list of jobs shows how far it is.</source>
   <translation>正在选择方案。进度见任务列表。</translation>
  </message>
  <message>
   <source>Clear finished</source>
   <translation>清除已完成</translation>
  </message>
  <message>
   <source>Click a sample to see what quantization makes of it</source>
   <translation>点击样本查看量化后的效果</translation>
  </message>
  <message>
   <source>Close</source>
   <translation>关闭</translation>
  </message>
  <message>
   <source>Close a dialog</source>
   <translation>关闭对话框</translation>
  </message>
  <message>
   <source>Close this dialog</source>
   <translation>关闭此对话框</translation>
  </message>
  <message>
   <source>Close this window (Esc)</source>
   <translation>关闭此窗口 (Esc)</translation>
  </message>
  <message>
   <source>Closing the window cancels them. Nothing half-done is left behind.</source>
   <translation>关闭窗口会取消这些任务，不会留下未完成的文件。</translation>
  </message>
  <message>
   <source>Collected pictures ({count})</source>
   <translation>已收集的图片 ({count})</translation>
  </message>
  <message>
   <source>Collecting ranges</source>
   <translation>正在收集范围</translation>
  </message>
  <message>
   <source>Colour</source>
   <translation>颜色</translation>
  </message>
  <message>
   <source>Comma-separated ids of rewrites, as `inspect` shows them; empty for all advised ones.</source>
   <translation>以逗号分隔的改写标识，与 `inspect` 显示的一致；留空表示全部建议项。</translation>
  </message>
  <message>
   <source>Compare</source>
   <translation>对比</translation>
  </message>
  <message>
   <source>Compare any model file: .onnx, .pth, .mnn, .tflite, .mlpackage</source>
   <translation>可对比任意模型文件：.onnx、.pth、.mnn、.tflite、.mlpackage</translation>
  </message>
  <message>
   <source>Compare now</source>
   <translation>立即对比</translation>
  </message>
  <message>
   <source>Compare the two, and save this one under another name if you need it.</source>
   <translation>请比较两者；如需保留此项目，请用其他名称保存。</translation>
  </message>
  <message>
   <source>Compare {file}</source>
   <translation>对比 {file}</translation>
  </message>
  <message>
   <source>Compare {name} with the original</source>
   <translation>将 {name} 与原模型对比</translation>
  </message>
  <message>
   <source>Comparing</source>
   <translation>正在对比</translation>
  </message>
  <message>
   <source>Comparing files</source>
   <translation>正在比较文件</translation>
  </message>
  <message>
   <source>Comparing the package with the Encodings</source>
   <translation>正在将包与量化编码比对</translation>
  </message>
  <message>
   <source>Comparing the project's files</source>
   <translation>正在比对项目文件</translation>
  </message>
  <message>
   <source>Comparing {what} with {original}</source>
   <translation>正在将 {what} 与 {original} 对比</translation>
  </message>
  <message>
   <source>Comparison on</source>
   <translation>对比，使用</translation>
  </message>
  <message>
   <source>Comparison: {original}; {candidate}</source>
   <translation>对比：{original}；{candidate}</translation>
  </message>
  <message>
   <source>Compresses, converts and compares face models for phones. Nothing leaves this computer.</source>
   <translation>为手机压缩、转换和对比人脸模型。任何数据都不会离开这台电脑。</translation>
  </message>
  <message>
   <source>Convert</source>
   <translation>转换</translation>
  </message>
  <message>
   <source>Converting to Core ML</source>
   <translation>正在转换为 Core ML</translation>
  </message>
  <message>
   <source>Converting to MNN</source>
   <translation>正在转换为 MNN</translation>
  </message>
  <message>
   <source>Converting with onnx2tf</source>
   <translation>正在用 onnx2tf 转换</translation>
  </message>
  <message>
   <source>Converting with the LiteRT converter</source>
   <translation>正在用 LiteRT 转换器转换</translation>
  </message>
  <message>
   <source>Converting {model}</source>
   <translation>正在转换 {model}</translation>
  </message>
  <message>
   <source>Convert…</source>
   <translation>转换…</translation>
  </message>
  <message>
   <source>Convolutions and matrix products; click one to see its values</source>
   <translation>卷积与矩阵乘；点击可查看其数值</translation>
  </message>
  <message>
   <source>Cool enough for full speed.</source>
   <translation>温度适宜，可全速运行。</translation>
  </message>
  <message>
   <source>Copied</source>
   <translation>已复制</translation>
  </message>
  <message>
   <source>Copied.</source>
   <translation>已复制。</translation>
  </message>
  <message>
   <source>Copies the rows in view, in this order, with plain numbers.</source>
   <translation>按当前顺序复制可见的行，数值为纯数字。</translation>
  </message>
  <message>
   <source>Copy all</source>
   <translation>全部复制</translation>
  </message>
  <message>
   <source>Copy as CSV</source>
   <translation>复制为 CSV</translation>
  </message>
  <message>
   <source>Copy pictures into the project's calibration folder, for the next quantization</source>
   <translation>将图片复制到项目的校准文件夹，供下次量化使用</translation>
  </message>
  <message>
   <source>Copy the layers as CSV</source>
   <translation>将各层复制为 CSV</translation>
  </message>
  <message>
   <source>Copy the source's SHA-256</source>
   <translation>复制源文件的 SHA-256</translation>
  </message>
  <message>
   <source>Copy this list, for a report</source>
   <translation>复制此列表，用于报告</translation>
  </message>
  <message>
   <source>Copy versions</source>
   <translation>复制版本信息</translation>
  </message>
  <message>
   <source>Copying</source>
   <translation>正在复制</translation>
  </message>
  <message>
   <source>Core ML</source>
   <translation>Core ML</translation>
  </message>
  <message>
   <source>Core ML packages run in the reference executor here, which takes seconds for each picture.</source>
   <translation>Core ML 包在此由参考执行器运行，每张图片需要数秒。</translation>
  </message>
  <message>
   <source>Correct biases</source>
   <translation>偏置校正</translation>
  </message>
  <message>
   <source>Cosine</source>
   <translation>余弦相似度</translation>
  </message>
  <message>
   <source>Cosine, least</source>
   <translation>余弦最低</translation>
  </message>
  <message>
   <source>Cosine, mean</source>
   <translation>余弦均值</translation>
  </message>
  <message>
   <source>Could not be made</source>
   <translation>未能生成</translation>
  </message>
  <message>
   <source>Count on a logarithmic scale</source>
   <translation>数量使用对数刻度</translation>
  </message>
  <message>
   <source>Criterion</source>
   <translation>准则</translation>
  </message>
  <message>
   <source>Crop</source>
   <translation>裁剪区</translation>
  </message>
  <message>
   <source>Dark</source>
   <translation>深色</translation>
  </message>
  <message>
   <source>Delay</source>
   <translation>延迟</translation>
  </message>
  <message>
   <source>Demo</source>
   <translation>演示</translation>
  </message>
  <message>
   <source>Deviation</source>
   <translation>标准差</translation>
  </message>
  <message>
   <source>Difference</source>
   <translation>差异</translation>
  </message>
  <message>
   <source>Difference, levels of 255</source>
   <translation>差异（255 级）</translation>
  </message>
  <message>
   <source>Differences below it are not shown</source>
   <translation>低于此值的差异不显示</translation>
  </message>
  <message>
   <source>Discard</source>
   <translation>放弃</translation>
  </message>
  <message>
   <source>Discard the rescued work on {name}</source>
   <translation>放弃 {name} 的已恢复内容</translation>
  </message>
  <message>
   <source>Discard the rescued work on {name}?</source>
   <translation>放弃 {name} 的已恢复内容？</translation>
  </message>
  <message>
   <source>Dismiss</source>
   <translation>知道了</translation>
  </message>
  <message>
   <source>Do not open it.</source>
   <translation>不打开。</translation>
  </message>
  <message>
   <source>Do not simplify the graph</source>
   <translation>不简化计算图</translation>
  </message>
  <message>
   <source>Do you trust this file?</source>
   <translation>是否信任此文件？</translation>
  </message>
  <message>
   <source>Done</source>
   <translation>完成</translation>
  </message>
  <message>
   <source>Double click or Enter shows the frame again</source>
   <translation>双击或按 Enter 再次显示该帧</translation>
  </message>
  <message>
   <source>Drag the two lines: values outside them are cut off. Arrow keys move them too; up and down choose one.</source>
   <translation>拖动两条线：线外的值会被截断。方向键也可移动；上下键选择其中一条。</translation>
  </message>
  <message>
   <source>Drag to another place; the arrow keys go on or back by a second</source>
   <translation>拖动到其他位置；方向键前进或后退一秒</translation>
  </message>
  <message>
   <source>Draw</source>
   <translation>绘制</translation>
  </message>
  <message>
   <source>Drawing the pictures</source>
   <translation>正在绘制图片</translation>
  </message>
  <message>
   <source>Drawing the report</source>
   <translation>正在生成报告</translation>
  </message>
  <message>
   <source>Drop a face model here</source>
   <translation>将人脸模型拖放到这里</translation>
  </message>
  <message>
   <source>Drop a model anywhere in this window</source>
   <translation>可将模型拖放到窗口的任意位置</translation>
  </message>
  <message>
   <source>Drop a model file or folder anywhere in this window, or try the demo.</source>
   <translation>将模型文件或文件夹拖放到窗口任意位置，或试用演示模型。</translation>
  </message>
  <message>
   <source>Drop to open</source>
   <translation>松开即可打开</translation>
  </message>
  <message>
   <source>Drop to open {name}</source>
   <translation>松开即可打开 {name}</translation>
  </message>
  <message>
   <source>Dropped</source>
   <translation>丢弃</translation>
  </message>
  <message>
   <source>Each conversion has a folder of its own there; nothing is replaced.</source>
   <translation>每次转换在其中都有独立的文件夹；不会替换任何文件。</translation>
  </message>
  <message>
   <source>Each weight is one of a few values of its layer; arithmetic in fp16.</source>
   <translation>每个权重取本层少数几个值之一；以 fp16 计算。</translation>
  </message>
  <message>
   <source>Effect on the picture</source>
   <translation>对画面的影响</translation>
  </message>
  <message>
   <source>Effect on the results</source>
   <translation>对结果的影响</translation>
  </message>
  <message>
   <source>Embed</source>
   <translation>嵌入</translation>
  </message>
  <message>
   <source>Embedding</source>
   <translation>特征向量</translation>
  </message>
  <message>
   <source>Embedding faces</source>
   <translation>正在提取人脸特征</translation>
  </message>
  <message>
   <source>Empty</source>
   <translation>清空</translation>
  </message>
  <message>
   <source>Empty the list of recent files; the files stay</source>
   <translation>清空最近文件列表；文件本身保留</translation>
  </message>
  <message>
   <source>End the live comparison</source>
   <translation>结束实时对比</translation>
  </message>
  <message>
   <source>End the recording (R)</source>
   <translation>结束录制 (R)</translation>
  </message>
  <message>
   <source>Engine</source>
   <translation>引擎</translation>
  </message>
  <message>
   <source>Enhance</source>
   <translation>增强</translation>
  </message>
  <message>
   <source>Enhancing</source>
   <translation>正在增强</translation>
  </message>
  <message>
   <source>Enhancing the frame</source>
   <translation>正在增强画面</translation>
  </message>
  <message>
   <source>Equal to the original on every sample</source>
   <translation>在所有样本上与原模型完全一致</translation>
  </message>
  <message>
   <source>Equalize</source>
   <translation>均衡化</translation>
  </message>
  <message>
   <source>Error</source>
   <translation>错误</translation>
  </message>
  <message>
   <source>Estimate</source>
   <translation>估算</translation>
  </message>
  <message>
   <source>Even out the ranges of channels between neighbouring layers (exact).</source>
   <translation>均衡相邻层之间各通道的范围（精确等价）。</translation>
  </message>
  <message>
   <source>Every layer with what it costs.</source>
   <translation>每一层及其开销。</translation>
  </message>
  <message>
   <source>Every target</source>
   <translation>所有目标</translation>
  </message>
  <message>
   <source>Everything that was found about the set</source>
   <translation>关于该集合的全部发现</translation>
  </message>
  <message>
   <source>Everywhere</source>
   <translation>通用</translation>
  </message>
  <message>
   <source>Exact changes made before every conversion: {count}.</source>
   <translation>每次转换前执行的精确更改：{count} 项。</translation>
  </message>
  <message>
   <source>Examining the model</source>
   <translation>正在检查模型</translation>
  </message>
  <message>
   <source>Exchange left and right, as in a mirror</source>
   <translation>左右互换，如同镜子</translation>
  </message>
  <message>
   <source>Export</source>
   <translation>导出</translation>
  </message>
  <message>
   <source>Exporting {name}</source>
   <translation>正在导出 {name}</translation>
  </message>
  <message>
   <source>FLIP</source>
   <translation>FLIP</translation>
  </message>
  <message>
   <source>Face changed</source>
   <translation>人脸变化</translation>
  </message>
  <message>
   <source>Face close-up</source>
   <translation>人脸特写</translation>
  </message>
  <message>
   <source>Face options</source>
   <translation>人脸选项</translation>
  </message>
  <message>
   <source>FaceFusion and the iOS port do not re-normalise after emap; InsightFace and VisoMaster do (latent length 1)</source>
   <translation>FaceFusion 和 iOS 移植版在 emap 之后不再归一化；InsightFace 和 VisoMaster 会归一化（潜向量长度为 1）</translation>
  </message>
  <message>
   <source>FaceFusion export is not byte-identical to buffalo_l/w600k_r50.onnx</source>
   <translation>FaceFusion 的导出与 buffalo_l/w600k_r50.onnx 并非逐字节相同</translation>
  </message>
  <message>
   <source>FaceFusion up to 3.6 silently used the fp32 file instead when CoreML was available</source>
   <translation>FaceFusion 3.6 及更早版本在 CoreML 可用时会悄然改用 fp32 文件</translation>
  </message>
  <message>
   <source>Faces that this side found in the frame</source>
   <translation>这一边在画面中找到的人脸数</translation>
  </message>
  <message>
   <source>Family's defaults</source>
   <translation>系列默认值</translation>
  </message>
  <message>
   <source>Fastest unit</source>
   <translation>最快的单元</translation>
  </message>
  <message>
   <source>Figures and sources</source>
   <translation>数据与来源</translation>
  </message>
  <message>
   <source>File</source>
   <translation>文件</translation>
  </message>
  <message>
   <source>Files go to</source>
   <translation>文件保存到</translation>
  </message>
  <message>
   <source>Files that were made stay where they are: {path}.</source>
   <translation>已生成的文件保留在原处：{path}。</translation>
  </message>
  <message>
   <source>Files that were written</source>
   <translation>已写入的文件</translation>
  </message>
  <message>
   <source>Files to export</source>
   <translation>要导出的文件</translation>
  </message>
  <message>
   <source>Find</source>
   <translation>检测</translation>
  </message>
  <message>
   <source>Find it...</source>
   <translation>查找...</translation>
  </message>
  <message>
   <source>Find who is to blame</source>
   <translation>定位损失来源</translation>
  </message>
  <message>
   <source>Find, follow</source>
   <translation>检测与跟踪</translation>
  </message>
  <message>
   <source>Finding which layers of {model} lose most</source>
   <translation>正在查找 {model} 中损失最大的层</translation>
  </message>
  <message>
   <source>Finding who is to blame takes about {time}.</source>
   <translation>定位损失来源约需 {time}。</translation>
  </message>
  <message>
   <source>Findings</source>
   <translation>检查结果</translation>
  </message>
  <message>
   <source>Findings ({count})</source>
   <translation>检查结果 ({count})</translation>
  </message>
  <message>
   <source>Fit</source>
   <translation>适应窗口</translation>
  </message>
  <message>
   <source>Fix the sizes and open the model.</source>
   <translation>固定尺寸并打开模型。</translation>
  </message>
  <message>
   <source>Flicker</source>
   <translation>闪烁</translation>
  </message>
  <message>
   <source>Float</source>
   <translation>浮点</translation>
  </message>
  <message>
   <source>Folder</source>
   <translation>文件夹</translation>
  </message>
  <message>
   <source>Folder of calibration pictures</source>
   <translation>校准图片文件夹</translation>
  </message>
  <message>
   <source>Folder of pictures to compare on</source>
   <translation>用于对比的图片文件夹</translation>
  </message>
  <message>
   <source>Folder of pictures to verify on</source>
   <translation>用于验证的图片文件夹</translation>
  </message>
  <message>
   <source>Folder of pictures…</source>
   <translation>图片文件夹…</translation>
  </message>
  <message>
   <source>Folder that the new one is made in</source>
   <translation>新文件夹所在的位置</translation>
  </message>
  <message>
   <source>Folder…</source>
   <translation>文件夹…</translation>
  </message>
  <message>
   <source>For</source>
   <translation>适用于</translation>
  </message>
  <message>
   <source>For Android</source>
   <translation>用于 Android</translation>
  </message>
  <message>
   <source>For every mobile target</source>
   <translation>适用于所有移动端目标</translation>
  </message>
  <message>
   <source>For iOS</source>
   <translation>用于 iOS</translation>
  </message>
  <message>
   <source>For the time constant, that test is taken to have begun at 25 degrees.</source>
   <translation>计算时间常数时，假定该测试从 25 度开始。</translation>
  </message>
  <message>
   <source>For {targets}</source>
   <translation>适用于 {targets}</translation>
  </message>
  <message>
   <source>Forget recent files</source>
   <translation>清除最近文件</translation>
  </message>
  <message>
   <source>Forget these frames and gather anew</source>
   <translation>清除这些帧并重新收集</translation>
  </message>
  <message>
   <source>Forget {name}</source>
   <translation>移除 {name}</translation>
  </message>
  <message>
   <source>Found, candidate</source>
   <translation>候选找到</translation>
  </message>
  <message>
   <source>Found, original</source>
   <translation>原模型找到</translation>
  </message>
  <message>
   <source>Frames a second</source>
   <translation>每秒帧数</translation>
  </message>
  <message>
   <source>Frames of the source that were left out: the newest is always the one that is treated</source>
   <translation>来源中被跳过的帧：始终处理最新的一帧</translation>
  </message>
  <message>
   <source>Frames shown in a second, both sides of each</source>
   <translation>每秒显示的帧数，每帧含两边画面</translation>
  </message>
  <message>
   <source>Frames with the largest loss, the worst first</source>
   <translation>损失最大的帧，最差的在前</translation>
  </message>
  <message>
   <source>Frames/s</source>
   <translation>帧/秒</translation>
  </message>
  <message>
   <source>From the capture of a frame until it is in view</source>
   <translation>从采集一帧到其显示所需的时间</translation>
  </message>
  <message>
   <source>From the first picture to the last</source>
   <translation>从第一张图片到最后一张</translation>
  </message>
  <message>
   <source>Full screen</source>
   <translation>全屏</translation>
  </message>
  <message>
   <source>Gather what an app needs in one folder</source>
   <translation>将应用所需的文件集中到一个文件夹</translation>
  </message>
  <message>
   <source>Getting ready</source>
   <translation>正在准备</translation>
  </message>
  <message>
   <source>Give the layers that lose most a more precise scheme, or leave them float, on the page Quantize.</source>
   <translation>在“量化”页为损失最大的层选择更精确的方案，或让它们保持浮点。</translation>
  </message>
  <message>
   <source>Give way when it is warm</source>
   <translation>发热时降低负载</translation>
  </message>
  <message>
   <source>Go on</source>
   <translation>继续</translation>
  </message>
  <message>
   <source>Go on to Convert</source>
   <translation>前往转换</translation>
  </message>
  <message>
   <source>Go on where the program ended</source>
   <translation>从程序结束的地方继续</translation>
  </message>
  <message>
   <source>Go on with the live frames</source>
   <translation>继续播放实时画面</translation>
  </message>
  <message>
   <source>Go on: choose which files are made</source>
   <translation>下一步：选择要生成的文件</translation>
  </message>
  <message>
   <source>Go to Convert</source>
   <translation>前往转换</translation>
  </message>
  <message>
   <source>Go to Quantize</source>
   <translation>前往量化</translation>
  </message>
  <message>
   <source>Graphics unit</source>
   <translation>图形单元</translation>
  </message>
  <message>
   <source>Hand over</source>
   <translation>交付</translation>
  </message>
  <message>
   <source>Have the live frames stand still</source>
   <translation>让实时画面静止</translation>
  </message>
  <message>
   <source>Heat map</source>
   <translation>热力图</translation>
  </message>
  <message>
   <source>Heaviest by</source>
   <translation>排序依据</translation>
  </message>
  <message>
   <source>High</source>
   <translation>上限</translation>
  </message>
  <message>
   <source>Histogram and range of the tensor</source>
   <translation>张量的直方图与范围</translation>
  </message>
  <message>
   <source>Holds at once</source>
   <translation>立即生效</translation>
  </message>
  <message>
   <source>How different the pictures look to people; 0 for equal ones.</source>
   <translation>人眼感受到的画面差异；相同为 0。</translation>
  </message>
  <message>
   <source>How faces are found, cut out and put back</source>
   <translation>如何查找、裁剪并贴回人脸</translation>
  </message>
  <message>
   <source>How far the app gives way at each of them (24 and 15 frames a second, three quarters and half of the sides) is this program's choice.</source>
   <translation>应用在各温度下降低多少（每秒 24 帧和 15 帧，边长的四分之三和一半）由本程序选定。</translation>
  </message>
  <message>
   <source>How far the pixels are apart, as a map</source>
   <translation>以图显示像素之间的差距</translation>
  </message>
  <message>
   <source>How fast it is, and what was lost</source>
   <translation>速度如何，损失了什么</translation>
  </message>
  <message>
   <source>How fast it would be on a phone, simulated</source>
   <translation>在手机上会有多快（模拟）</translation>
  </message>
  <message>
   <source>How fast the clip plays, compared with its own time</source>
   <translation>短片的播放速度，相对于其原速</translation>
  </message>
  <message>
   <source>How it was compared, and what could not be measured</source>
   <translation>对比方法以及无法测量的内容</translation>
  </message>
  <message>
   <source>How large are its inputs?</source>
   <translation>输入的尺寸是多少？</translation>
  </message>
  <message>
   <source>How layers compute: w8a8 (int8 weights and activations), w8a16, dynamic (activations by the range they happen to have), w8 or w4 (integer weights only), float.</source>
   <translation>各层的计算方式：w8a8（int8 权重和激活）、w8a16、dynamic（激活按当次实际范围）、w8 或 w4（仅整数权重）、float。</translation>
  </message>
  <message>
   <source>How many are taken</source>
   <translation>取用的数量</translation>
  </message>
  <message>
   <source>How many frames a second both models draw here; phones have other speeds.</source>
   <translation>两个模型在本机每秒绘制多少帧；手机的速度不同。</translation>
  </message>
  <message>
   <source>How much faster they run, only the phone can say: smaller files are read sooner, and fp16 and int8 compute faster where its chips can.</source>
   <translation>实际能快多少只有手机知道：文件越小读取越快；芯片支持时 fp16 和 int8 计算更快。</translation>
  </message>
  <message>
   <source>How much may be lost on average; layers get more precise schemes until that holds</source>
   <translation>平均允许的损失；各层会逐步采用更精确的方案直到满足</translation>
  </message>
  <message>
   <source>How much of the picture the heat map hides</source>
   <translation>热力图遮盖画面的程度</translation>
  </message>
  <message>
   <source>How near the pixels are; above 40 dB differences are hard to see.</source>
   <translation>像素的接近程度；高于 40 dB 时差异难以察觉。</translation>
  </message>
  <message>
   <source>How the layer computes</source>
   <translation>该层的计算方式</translation>
  </message>
  <message>
   <source>How the range of an activation is chosen from what the calibration samples showed: min-max (all of it), moving-average, percentile, mse (least squared error), entropy (least information lost).</source>
   <translation>如何由校准样本确定激活的范围：min-max（全部）、moving-average（滑动平均）、percentile（百分位）、mse（均方误差最小）、entropy（信息损失最小）。</translation>
  </message>
  <message>
   <source>How the two pictures are shown</source>
   <translation>两幅画面的显示方式</translation>
  </message>
  <message>
   <source>How the two pictures are shown; the wheel zooms both in step</source>
   <translation>两幅画面的显示方式；滚轮同步缩放</translation>
  </message>
  <message>
   <source>How to compare</source>
   <translation>对比方式</translation>
  </message>
  <message>
   <source>IResNet-50 trained on WebFace600K; 25 PRelu with per-channel slopes</source>
   <translation>在 WebFace600K 上训练的 IResNet-50；25 个逐通道斜率的 PRelu</translation>
  </message>
  <message>
   <source>Identity loss</source>
   <translation>身份损失</translation>
  </message>
  <message>
   <source>Identity lost</source>
   <translation>身份损失</translation>
  </message>
  <message>
   <source>Image inputs</source>
   <translation>图像输入</translation>
  </message>
  <message>
   <source>Inferring shapes</source>
   <translation>正在推断形状</translation>
  </message>
  <message>
   <source>Inputs and outputs</source>
   <translation>输入与输出</translation>
  </message>
  <message>
   <source>Integers do {share} of the work.</source>
   <translation>整数运算占计算量的 {share}。</translation>
  </message>
  <message>
   <source>Interface</source>
   <translation>接口</translation>
  </message>
  <message>
   <source>It is kept in {path}.</source>
   <translation>已保留在 {path}。</translation>
  </message>
  <message>
   <source>It is not where it was made.</source>
   <translation>它不在生成时的位置。</translation>
  </message>
  <message>
   <source>It was {path}</source>
   <translation>原位置：{path}</translation>
  </message>
  <message>
   <source>Its changes cannot be brought back, and the files made so far ({count}) are deleted.</source>
   <translation>其更改无法找回，已生成的文件（{count} 个）会被删除。</translation>
  </message>
  <message>
   <source>Its changes cannot be brought back.</source>
   <translation>其更改无法找回。</translation>
  </message>
  <message>
   <source>Its contents have changed, or it is another file of the same name.</source>
   <translation>内容已更改，或是同名的另一个文件。</translation>
  </message>
  <message>
   <source>Its number; 0 is the first</source>
   <translation>编号；0 为第一个</translation>
  </message>
  <message>
   <source>Jobs</source>
   <translation>任务</translation>
  </message>
  <message>
   <source>Jobs ({count})</source>
   <translation>任务 ({count})</translation>
  </message>
  <message>
   <source>Jobs are still running.</source>
   <translation>仍有任务在运行。</translation>
  </message>
  <message>
   <source>Jobs of this project are still running.</source>
   <translation>此项目仍有任务在运行。</translation>
  </message>
  <message>
   <source>Keep a layer float</source>
   <translation>让某层保持浮点</translation>
  </message>
  <message>
   <source>Keep the layers more precise that models of this family are known to need; rules for layers win over it.</source>
   <translation>该系列模型已知需要更高精度的层保持更精确；逐层规则优先。</translation>
  </message>
  <message>
   <source>Keep the statistics of normalisations in fp32 in an fp16 package: they overflow or vanish in fp16.</source>
   <translation>在 fp16 包中让归一化统计量保持 fp32：它们在 fp16 中会溢出或归零。</translation>
  </message>
  <message>
   <source>Keep this layer float: larger, and nearer to the original</source>
   <translation>让此层保持浮点：体积更大，更接近原模型</translation>
  </message>
  <message>
   <source>Keep working</source>
   <translation>继续工作</translation>
  </message>
  <message>
   <source>Keep {layer} float</source>
   <translation>让 {layer} 保持浮点</translation>
  </message>
  <message>
   <source>Keeping pictures</source>
   <translation>正在保留图片</translation>
  </message>
  <message>
   <source>Keyboard shortcuts</source>
   <translation>键盘快捷键</translation>
  </message>
  <message>
   <source>Kind</source>
   <translation>类型</translation>
  </message>
  <message>
   <source>Known about this model</source>
   <translation>关于此模型的已知信息</translation>
  </message>
  <message>
   <source>LPIPS</source>
   <translation>LPIPS</translation>
  </message>
  <message>
   <source>LPIPS on average of the samples, and twice that at 95 %</source>
   <translation>样本的平均 LPIPS，95% 分位处为两倍</translation>
  </message>
  <message>
   <source>LPIPS that may be lost on average (mean difference for models that draw nothing), and twice that at 95 %: layers get more precise schemes until 16 calibration samples keep it with 5 % to spare; 0 for none.</source>
   <translation>平均允许损失的 LPIPS（不输出画面的模型为平均差异），95% 分位处允许两倍：各层逐步采用更精确的方案，直到 16 个校准样本满足并留有 5% 余量；0 表示不限。</translation>
  </message>
  <message>
   <source>LPIPS {loss}, at {place}</source>
   <translation>LPIPS {loss}，位置 {place}</translation>
  </message>
  <message>
   <source>LPIPS, 95 %</source>
   <translation>LPIPS 95 %</translation>
  </message>
  <message>
   <source>LPIPS, mean</source>
   <translation>LPIPS 均值</translation>
  </message>
  <message>
   <source>LPIPS, worst</source>
   <translation>LPIPS 最差</translation>
  </message>
  <message>
   <source>Labelling the TFLite file</source>
   <translation>正在标注 TFLite 文件</translation>
  </message>
  <message>
   <source>Landmarks</source>
   <translation>关键点</translation>
  </message>
  <message>
   <source>Language</source>
   <translation>语言</translation>
  </message>
  <message>
   <source>Largest</source>
   <translation>最大</translation>
  </message>
  <message>
   <source>Largest difference</source>
   <translation>最大差异</translation>
  </message>
  <message>
   <source>Largest difference {share} of the range</source>
   <translation>最大差异为取值范围的 {share}</translation>
  </message>
  <message>
   <source>Layer</source>
   <translation>层</translation>
  </message>
  <message>
   <source>Layers</source>
   <translation>层</translation>
  </message>
  <message>
   <source>Layers that have channels</source>
   <translation>含通道的层</translation>
  </message>
  <message>
   <source>Layers with channels</source>
   <translation>含通道的层</translation>
  </message>
  <message>
   <source>Layout</source>
   <translation>布局</translation>
  </message>
  <message>
   <source>Leave a range to the policy</source>
   <translation>将范围交由策略决定</translation>
  </message>
  <message>
   <source>Leave the model float</source>
   <translation>模型保持浮点</translation>
  </message>
  <message>
   <source>Leaving the project cancels them. Nothing half-done is left behind.</source>
   <translation>离开项目会取消这些任务，不会留下未完成的文件。</translation>
  </message>
  <message>
   <source>Left and right move a handle, Shift farther, Ctrl finer; down takes the lower handle, up the upper.</source>
   <translation>左右键移动手柄，Shift 大步，Ctrl 微调；下键选下限手柄，上键选上限手柄。</translation>
  </message>
  <message>
   <source>Let the policy choose this range again</source>
   <translation>重新由策略决定此范围</translation>
  </message>
  <message>
   <source>Licence</source>
   <translation>许可证</translation>
  </message>
  <message>
   <source>Licence: Apache-2.0. Those of what comes along are in {folder}.</source>
   <translation>许可证：Apache-2.0。随附组件的许可证位于 {folder}。</translation>
  </message>
  <message>
   <source>Light</source>
   <translation>浅色</translation>
  </message>
  <message>
   <source>Likeness</source>
   <translation>相似度</translation>
  </message>
  <message>
   <source>Likeness to the person that the candidate loses: the original's mean cosine less its own</source>
   <translation>候选损失的与人物的相似度：原模型的平均余弦减去候选的平均余弦</translation>
  </message>
  <message>
   <source>Likeness to the person, cosine</source>
   <translation>与人物的相似度（余弦）</translation>
  </message>
  <message>
   <source>List of jobs</source>
   <translation>任务列表</translation>
  </message>
  <message>
   <source>Live</source>
   <translation>实时</translation>
  </message>
  <message>
   <source>Live · {width} × {height}</source>
   <translation>实时 · {width} × {height}</translation>
  </message>
  <message>
   <source>Loading coremltools</source>
   <translation>正在加载 coremltools</translation>
  </message>
  <message>
   <source>Loading onnx2tf and TensorFlow</source>
   <translation>正在加载 onnx2tf 和 TensorFlow</translation>
  </message>
  <message>
   <source>Loading the LiteRT converter</source>
   <translation>正在加载 LiteRT 转换器</translation>
  </message>
  <message>
   <source>Log scale</source>
   <translation>对数刻度</translation>
  </message>
  <message>
   <source>Log: {title}</source>
   <translation>日志：{title}</translation>
  </message>
  <message>
   <source>Look</source>
   <translation>外观</translation>
  </message>
  <message>
   <source>Look at the findings</source>
   <translation>查看检查结果</translation>
  </message>
  <message>
   <source>Look at the findings on the page Model</source>
   <translation>在“模型”页查看检查结果</translation>
  </message>
  <message>
   <source>Look at the page Quantize</source>
   <translation>查看“量化”页</translation>
  </message>
  <message>
   <source>Look from farther away (-)</source>
   <translation>缩小 (-)</translation>
  </message>
  <message>
   <source>Look nearer (+)</source>
   <translation>放大 (+)</translation>
  </message>
  <message>
   <source>Looking at the files made so far</source>
   <translation>正在查看已生成的文件</translation>
  </message>
  <message>
   <source>Looking at what MNN computes with integers</source>
   <translation>正在查看 MNN 用整数计算的部分</translation>
  </message>
  <message>
   <source>Looking for cameras</source>
   <translation>正在查找摄像头</translation>
  </message>
  <message>
   <source>Looking for faces</source>
   <translation>正在查找人脸</translation>
  </message>
  <message>
   <source>Looking for the first layer that differs</source>
   <translation>正在查找第一个出现差异的层</translation>
  </message>
  <message>
   <source>Looking for the layers to blame. The list of jobs shows how far it is.</source>
   <translation>正在定位损失来源的层。进度见任务列表。</translation>
  </message>
  <message>
   <source>Loss since the models or the source changed</source>
   <translation>自模型或来源更改以来的损失</translation>
  </message>
  <message>
   <source>Lost</source>
   <translation>损失</translation>
  </message>
  <message>
   <source>Low</source>
   <translation>下限</translation>
  </message>
  <message>
   <source>MACs</source>
   <translation>乘加运算</translation>
  </message>
  <message>
   <source>MNN</source>
   <translation>MNN</translation>
  </message>
  <message>
   <source>Made and verified already: {count}.</source>
   <translation>已生成并通过验证：{count}。</translation>
  </message>
  <message>
   <source>Made and verified: {count}.</source>
   <translation>已生成并通过验证：{count}。</translation>
  </message>
  <message>
   <source>Made by</source>
   <translation>生成工具</translation>
  </message>
  <message>
   <source>Made by {engine}.</source>
   <translation>由 {engine} 生成。</translation>
  </message>
  <message>
   <source>Magnifier</source>
   <translation>放大镜</translation>
  </message>
  <message>
   <source>Make again</source>
   <translation>重新生成</translation>
  </message>
  <message>
   <source>Make and verify the chosen files (Ctrl+Return)</source>
   <translation>生成并验证所选文件 (Ctrl+Return)</translation>
  </message>
  <message>
   <source>Make files for phones. Every file is opened afresh and compared with the original before it counts.</source>
   <translation>为手机生成文件。每个文件都会重新打开并与原模型比对，通过后才算数。</translation>
  </message>
  <message>
   <source>Make files of the model on the Convert page, or add a file that you have.</source>
   <translation>请在“转换”页生成文件，或添加已有的文件。</translation>
  </message>
  <message>
   <source>Make files of the model on the Convert page; then they can be gathered here.</source>
   <translation>请先在“转换”页生成文件，然后即可在此汇总。</translation>
  </message>
  <message>
   <source>Make smaller</source>
   <translation>缩小</translation>
  </message>
  <message>
   <source>Make them again</source>
   <translation>重新生成它们</translation>
  </message>
  <message>
   <source>Make verified files for phones</source>
   <translation>生成经过验证的手机端文件</translation>
  </message>
  <message>
   <source>Make {files} once more</source>
   <translation>重新生成 {files}</translation>
  </message>
  <message>
   <source>Make {name} once more, beside this one</source>
   <translation>再生成一次 {name}，与此文件并存</translation>
  </message>
  <message>
   <source>Make {target} files</source>
   <translation>生成 {target} 文件</translation>
  </message>
  <message>
   <source>Making the weights smaller</source>
   <translation>正在压缩权重</translation>
  </message>
  <message>
   <source>Making these took {time} last time.</source>
   <translation>上次生成这些文件用时 {time}。</translation>
  </message>
  <message>
   <source>Making thumbnails</source>
   <translation>正在生成缩略图</translation>
  </message>
  <message>
   <source>Mask</source>
   <translation>遮罩</translation>
  </message>
  <message>
   <source>Mask overlap</source>
   <translation>遮罩重叠</translation>
  </message>
  <message>
   <source>Mean</source>
   <translation>平均</translation>
  </message>
  <message>
   <source>Mean cosine between the candidate's faces and the person; 1 for the same</source>
   <translation>候选画出的人脸与人物的平均余弦；1 表示相同</translation>
  </message>
  <message>
   <source>Mean cosine between the original's faces and the person; 1 for the same</source>
   <translation>原模型画出的人脸与人物的平均余弦；1 表示相同</translation>
  </message>
  <message>
   <source>Mean difference</source>
   <translation>平均差异</translation>
  </message>
  <message>
   <source>Mean difference, as a fraction of the output's span</source>
   <translation>平均差异，占输出取值跨度的比例</translation>
  </message>
  <message>
   <source>Mean distance between both sides' points, pixels</source>
   <translation>两边关键点的平均距离，像素</translation>
  </message>
  <message>
   <source>Mean of all frames' LPIPS</source>
   <translation>所有帧 LPIPS 的均值</translation>
  </message>
  <message>
   <source>Mean overlap of the matched boxes: shared area by the area of both</source>
   <translation>匹配框的平均重叠：交集面积与并集面积之比</translation>
  </message>
  <message>
   <source>Mean way of a face's points, over the distance of the eyes.</source>
   <translation>人脸关键点的平均位移，以两眼间距为单位。</translation>
  </message>
  <message>
   <source>Measure</source>
   <translation>测量</translation>
  </message>
  <message>
   <source>Measure what each layer loses when it alone is quantized, and wins back when it alone is not</source>
   <translation>测量每层单独量化时的损失，以及单独不量化时的挽回</translation>
  </message>
  <message>
   <source>Measure what each layer loses when it alone is quantized, and wins back when not.</source>
   <translation>测量每层单独量化时的损失，以及不量化时的挽回。</translation>
  </message>
  <message>
   <source>Measured before the last changes.</source>
   <translation>在最近更改之前测得。</translation>
  </message>
  <message>
   <source>Measures</source>
   <translation>指标</translation>
  </message>
  <message>
   <source>Measuring</source>
   <translation>正在测量</translation>
  </message>
  <message>
   <source>Measuring coverage</source>
   <translation>正在测量覆盖度</translation>
  </message>
  <message>
   <source>Measuring the differences</source>
   <translation>正在测量差异</translation>
  </message>
  <message>
   <source>Measuring what quantization loses</source>
   <translation>正在测量量化损失</translation>
  </message>
  <message>
   <source>Median of a run on this machine; a star marks the reference executor, whose time says nothing</source>
   <translation>本机单次运行耗时的中位数；星号表示参考执行器，其耗时无参考意义</translation>
  </message>
  <message>
   <source>Memory</source>
   <translation>内存</translation>
  </message>
  <message>
   <source>Memory of results</source>
   <translation>结果占用内存</translation>
  </message>
  <message>
   <source>Memory of the {phone}: {size} GB.</source>
   <translation>{phone} 的内存：{size} GB。</translation>
  </message>
  <message>
   <source>Menu bar</source>
   <translation>菜单栏</translation>
  </message>
  <message>
   <source>Minimum OS</source>
   <translation>最低系统版本</translation>
  </message>
  <message>
   <source>Mirror</source>
   <translation>镜像</translation>
  </message>
  <message>
   <source>Missing</source>
   <translation>缺失</translation>
  </message>
  <message>
   <source>Missing besides: {count}</source>
   <translation>另有缺失：{count}</translation>
  </message>
  <message>
   <source>Model</source>
   <translation>模型</translation>
  </message>
  <message>
   <source>Models</source>
   <translation>模型</translation>
  </message>
  <message>
   <source>Models and projects ({patterns})</source>
   <translation>模型和项目 ({patterns})</translation>
  </message>
  <message>
   <source>Models that draw no picture have no loss to rank frames by.</source>
   <translation>不输出图像的模型没有损失可用于给画面排序。</translation>
  </message>
  <message>
   <source>Multiply-accumulates</source>
   <translation>乘加运算</translation>
  </message>
  <message>
   <source>Multiply-accumulates of one run</source>
   <translation>单次运行的乘加运算</translation>
  </message>
  <message>
   <source>Name</source>
   <translation>名称</translation>
  </message>
  <message>
   <source>Name its function...</source>
   <translation>指定其函数...</translation>
  </message>
  <message>
   <source>Name of the function in {name}:</source>
   <translation>{name} 中的函数名：</translation>
  </message>
  <message>
   <source>Name of the node in the graph</source>
   <translation>计算图中的节点名</translation>
  </message>
  <message>
   <source>Nearly like {name}</source>
   <translation>与 {name} 几乎相同</translation>
  </message>
  <message>
   <source>Needs about {need} of memory, {free} are available.</source>
   <translation>约需内存 {need}，可用 {free}。</translation>
  </message>
  <message>
   <source>Neural unit</source>
   <translation>神经单元</translation>
  </message>
  <message>
   <source>Next control</source>
   <translation>下一个控件</translation>
  </message>
  <message>
   <source>Next sample</source>
   <translation>下一个样本</translation>
  </message>
  <message>
   <source>No file was made yet</source>
   <translation>尚未生成文件</translation>
  </message>
  <message>
   <source>No heat map</source>
   <translation>无热力图</translation>
  </message>
  <message>
   <source>No jobs yet</source>
   <translation>暂无任务</translation>
  </message>
  <message>
   <source>No layer computes in integers: smaller, not faster.</source>
   <translation>没有层使用整数计算：体积更小，但不会更快。</translation>
  </message>
  <message>
   <source>No layer rounds this tensor, so it needs no range.</source>
   <translation>没有层对此张量取整，因此不需要范围。</translation>
  </message>
  <message>
   <source>No licence is established: ask its author before you ship it.</source>
   <translation>许可证不明：发布前请询问作者。</translation>
  </message>
  <message>
   <source>No model</source>
   <translation>没有模型</translation>
  </message>
  <message>
   <source>No model is open</source>
   <translation>没有打开的模型</translation>
  </message>
  <message>
   <source>No phone</source>
   <translation>不模拟手机</translation>
  </message>
  <message>
   <source>No phone is connected: speed and warmth are worked out, not measured</source>
   <translation>未连接任何手机：速度和温度均为推算，并非实测</translation>
  </message>
  <message>
   <source>No picture yet.</source>
   <translation>暂无画面。</translation>
  </message>
  <message>
   <source>No program shows folders here. The folder is {folder}.</source>
   <translation>此处没有可显示文件夹的程序。文件夹位于 {folder}。</translation>
  </message>
  <message>
   <source>No.</source>
   <translation>序号</translation>
  </message>
  <message>
   <source>Not available yet</source>
   <translation>尚不可用</translation>
  </message>
  <message>
   <source>Not compared yet</source>
   <translation>尚未对比</translation>
  </message>
  <message>
   <source>Not in the project any more, but still on the disk: {paths}.</source>
   <translation>已不在项目中，但仍在磁盘上：{paths}。</translation>
  </message>
  <message>
   <source>Not read</source>
   <translation>未读入</translation>
  </message>
  <message>
   <source>Not saved when the program ended; last changed {when}</source>
   <translation>程序结束时尚未保存；最后更改于 {when}</translation>
  </message>
  <message>
   <source>Not scanned yet, as the recipe stands.</source>
   <translation>按当前配方尚未扫描。</translation>
  </message>
  <message>
   <source>Not what the recipe asks for now</source>
   <translation>与当前配方不符</translation>
  </message>
  <message>
   <source>Notes</source>
   <translation>备注</translation>
  </message>
  <message>
   <source>Notes ({count})</source>
   <translation>备注 ({count})</translation>
  </message>
  <message>
   <source>Nothing to compare yet</source>
   <translation>暂无可对比的内容</translation>
  </message>
  <message>
   <source>Nothing to export yet</source>
   <translation>暂无可导出的内容</translation>
  </message>
  <message>
   <source>Nothing was found that fp16 breaks, on {count} pictures.</source>
   <translation>在 {count} 张图片上未发现 fp16 会出错之处。</translation>
  </message>
  <message>
   <source>Nothing was found that would not survive a conversion.</source>
   <translation>未发现转换后无法保留的内容。</translation>
  </message>
  <message>
   <source>Nothing was printed.</source>
   <translation>没有输出。</translation>
  </message>
  <message>
   <source>Nothing was published that says how fast this model would be there. Choose another unit or phone.</source>
   <translation>没有公布的数据能说明此模型在该处的速度。请选择其他单元或手机。</translation>
  </message>
  <message>
   <source>Nothing yet</source>
   <translation>暂无内容</translation>
  </message>
  <message>
   <source>Numbers</source>
   <translation>数值</translation>
  </message>
  <message>
   <source>Numbers at the edge of a quantized file: float32, or int8 codes that the app rounds to itself.</source>
   <translation>量化文件输入输出处的数值：float32，或由应用自行取整的 int8 码值。</translation>
  </message>
  <message>
   <source>Numbers in fp16</source>
   <translation>fp16 数值</translation>
  </message>
  <message>
   <source>Numbers of 8 bits make files four times smaller. What that costs the picture is decided here.</source>
   <translation>8 位数值可使文件缩小到四分之一。对画面的代价在此决定。</translation>
  </message>
  <message>
   <source>Numbers of the live comparison</source>
   <translation>实时对比的数值</translation>
  </message>
  <message>
   <source>Numbers, worst frames, phone</source>
   <translation>数值、最差画面、手机</translation>
  </message>
  <message>
   <source>ONNX</source>
   <translation>ONNX</translation>
  </message>
  <message>
   <source>ONNX Runtime with Core ML</source>
   <translation>ONNX Runtime（Core ML）</translation>
  </message>
  <message>
   <source>ONNX or PyTorch: a file, a folder or a .zip; or a project.
It becomes .mnn, .tflite and .mlpackage. Nothing leaves this computer.</source>
   <translation>ONNX 或 PyTorch：文件、文件夹或 .zip，也可以是项目。
可转换为 .mnn、.tflite 和 .mlpackage。任何数据都不会离开这台电脑。</translation>
  </message>
  <message>
   <source>Of fp16's range</source>
   <translation>占 fp16 范围</translation>
  </message>
  <message>
   <source>Of its result</source>
   <translation>占其结果</translation>
  </message>
  <message>
   <source>Of the face</source>
   <translation>占人脸</translation>
  </message>
  <message>
   <source>Of the face that both sides agree on least</source>
   <translation>两边最不一致的那张人脸的余弦</translation>
  </message>
  <message>
   <source>Of the file, as a part of the original's</source>
   <translation>文件大小占原模型的比例</translation>
  </message>
  <message>
   <source>Of the worst picture</source>
   <translation>最差图片的值</translation>
  </message>
  <message>
   <source>Oldest system that must open the package; auto is iOS16, or the first that can where that is later.</source>
   <translation>必须能打开该包的最低系统；auto 为 iOS16，若需更高版本则取首个可用者。</translation>
  </message>
  <message>
   <source>On a camera, a video or the built-in clip, while it moves</source>
   <translation>在摄像头、视频或内置短片的动态画面上</translation>
  </message>
  <message>
   <source>On average of all pictures</source>
   <translation>所有图片的平均值</translation>
  </message>
  <message>
   <source>On stored pictures, with every measure and a report</source>
   <translation>在已保存的图片上，含全部度量和报告</translation>
  </message>
  <message>
   <source>On which pictures the models are compared</source>
   <translation>用哪些图片对比模型</translation>
  </message>
  <message>
   <source>On {sample}, {output} {complaint}.</source>
   <translation>在 {sample} 上，{output} {complaint}。</translation>
  </message>
  <message>
   <source>One file of about {size}, {share} of the original.</source>
   <translation>一个文件，约 {size}，为原模型的 {share}。</translation>
  </message>
  <message>
   <source>One folder for the people who build the app: the files, how to feed them, and whose they are.</source>
   <translation>给应用开发者的一个文件夹：文件、输入方法以及归属。</translation>
  </message>
  <message>
   <source>One frame back (,)</source>
   <translation>后退一帧 (,)</translation>
  </message>
  <message>
   <source>One frame on (.)</source>
   <translation>前进一帧 (.)</translation>
  </message>
  <message>
   <source>One model at a time: {name} is opened.</source>
   <translation>一次只能打开一个模型：已打开 {name}。</translation>
  </message>
  <message>
   <source>One more person…</source>
   <translation>再添加一个人…</translation>
  </message>
  <message>
   <source>Only</source>
   <translation>仅限</translation>
  </message>
  <message>
   <source>Only for the estimate: how many channels would be removed in every layer.</source>
   <translation>仅用于估算：每层将移除多少通道。</translation>
  </message>
  <message>
   <source>Opacity</source>
   <translation>不透明度</translation>
  </message>
  <message>
   <source>Open</source>
   <translation>打开</translation>
  </message>
  <message>
   <source>Open &amp;folder...</source>
   <translation>打开文件夹(&amp;F)...</translation>
  </message>
  <message>
   <source>Open &amp;recent</source>
   <translation>最近打开(&amp;R)</translation>
  </message>
  <message>
   <source>Open a folder that holds a model</source>
   <translation>打开包含模型的文件夹</translation>
  </message>
  <message>
   <source>Open a model file</source>
   <translation>打开模型文件</translation>
  </message>
  <message>
   <source>Open a model first.</source>
   <translation>请先打开模型。</translation>
  </message>
  <message>
   <source>Open a model or project</source>
   <translation>打开模型或项目</translation>
  </message>
  <message>
   <source>Open file...</source>
   <translation>打开文件...</translation>
  </message>
  <message>
   <source>Open folder</source>
   <translation>打开文件夹</translation>
  </message>
  <message>
   <source>Open folder...</source>
   <translation>打开文件夹...</translation>
  </message>
  <message>
   <source>Open the &amp;demo</source>
   <translation>打开演示模型(&amp;D)</translation>
  </message>
  <message>
   <source>Open the demo</source>
   <translation>打开演示模型</translation>
  </message>
  <message>
   <source>Open the demo model</source>
   <translation>打开演示模型</translation>
  </message>
  <message>
   <source>Open the demo model that comes with the program</source>
   <translation>打开程序自带的演示模型</translation>
  </message>
  <message>
   <source>Open the folder of {name}</source>
   <translation>打开 {name} 所在的文件夹</translation>
  </message>
  <message>
   <source>Open the folder that files are made in</source>
   <translation>打开文件的生成文件夹</translation>
  </message>
  <message>
   <source>Open the model again with these sizes</source>
   <translation>以这些尺寸重新打开模型</translation>
  </message>
  <message>
   <source>Open the rescued work on {name}</source>
   <translation>打开 {name} 的已恢复内容</translation>
  </message>
  <message>
   <source>Open the small face swapper that comes with the program</source>
   <translation>打开程序自带的小型换脸模型</translation>
  </message>
  <message>
   <source>Open with these sizes</source>
   <translation>以这些尺寸打开</translation>
  </message>
  <message>
   <source>Open {name} in {folder}</source>
   <translation>打开 {folder} 中的 {name}</translation>
  </message>
  <message>
   <source>Open...</source>
   <translation>打开...</translation>
  </message>
  <message>
   <source>Opened on your word that it is trusted; until the program ends.</source>
   <translation>应您的信任而打开；有效至程序结束。</translation>
  </message>
  <message>
   <source>Opening changes nothing.</source>
   <translation>打开不会更改任何内容。</translation>
  </message>
  <message>
   <source>Opening it runs code that comes with it, with all your rights: it could read, change and delete your files, or send them away.</source>
   <translation>打开它会以您的全部权限运行其附带的代码：代码可能读取、更改、删除您的文件，或将其发送出去。</translation>
  </message>
  <message>
   <source>Opening the TorchScript program</source>
   <translation>正在打开 TorchScript 程序</translation>
  </message>
  <message>
   <source>Opening the camera</source>
   <translation>正在打开摄像头</translation>
  </message>
  <message>
   <source>Opening the candidate</source>
   <translation>正在打开候选</translation>
  </message>
  <message>
   <source>Opening the exported program</source>
   <translation>正在打开导出的程序</translation>
  </message>
  <message>
   <source>Opening the face models</source>
   <translation>正在打开人脸模型</translation>
  </message>
  <message>
   <source>Opening the model</source>
   <translation>正在打开模型</translation>
  </message>
  <message>
   <source>Opening the original</source>
   <translation>正在打开原模型</translation>
  </message>
  <message>
   <source>Opening {name}</source>
   <translation>正在打开 {name}</translation>
  </message>
  <message>
   <source>Opening {name}: {stage}</source>
   <translation>正在打开 {name}：{stage}</translation>
  </message>
  <message>
   <source>Opens the model again with these sizes. Files made with other sizes stay as they are.</source>
   <translation>以这些尺寸重新打开模型。以其他尺寸生成的文件保持不变。</translation>
  </message>
  <message>
   <source>Operator</source>
   <translation>算子</translation>
  </message>
  <message>
   <source>Operators</source>
   <translation>算子</translation>
  </message>
  <message>
   <source>Opset</source>
   <translation>算子集</translation>
  </message>
  <message>
   <source>Options</source>
   <translation>选项</translation>
  </message>
  <message>
   <source>Original</source>
   <translation>原模型</translation>
  </message>
  <message>
   <source>Original and quantized picture</source>
   <translation>原始画面与量化画面</translation>
  </message>
  <message>
   <source>Original on both sides</source>
   <translation>两侧都用原始模型</translation>
  </message>
  <message>
   <source>Original · {name}</source>
   <translation>原模型 · {name}</translation>
  </message>
  <message>
   <source>Outdated</source>
   <translation>已过时</translation>
  </message>
  <message>
   <source>Outlier: alone widens {count} ranges</source>
   <translation>离群样本：单独使 {count} 个范围变宽</translation>
  </message>
  <message>
   <source>Output</source>
   <translation>输出</translation>
  </message>
  <message>
   <source>Overlap</source>
   <translation>重叠</translation>
  </message>
  <message>
   <source>Own files</source>
   <translation>程序文件</translation>
  </message>
  <message>
   <source>PSNR</source>
   <translation>PSNR</translation>
  </message>
  <message>
   <source>PSNR {number} dB</source>
   <translation>PSNR {number} dB</translation>
  </message>
  <message>
   <source>PSNR, mean</source>
   <translation>PSNR 均值</translation>
  </message>
  <message>
   <source>Pace the view as a phone would</source>
   <translation>按手机的速度播放画面</translation>
  </message>
  <message>
   <source>Pages</source>
   <translation>页面</translation>
  </message>
  <message>
   <source>Palette bits</source>
   <translation>调色板位数</translation>
  </message>
  <message>
   <source>Parameters</source>
   <translation>参数量</translation>
  </message>
  <message>
   <source>Part of all boxes that both sides found in one place</source>
   <translation>两边在同一位置都找到的框占全部框的比例</translation>
  </message>
  <message>
   <source>Part of all values that a range covers under the policy percentile.</source>
   <translation>百分位策略下范围覆盖的数值比例。</translation>
  </message>
  <message>
   <source>Part of the channels that would be removed, in percent</source>
   <translation>将移除的通道比例（百分比）</translation>
  </message>
  <message>
   <source>Part of the model's multiply-accumulates</source>
   <translation>占模型乘加运算的比例</translation>
  </message>
  <message>
   <source>Parts of the model's description</source>
   <translation>模型说明的各部分</translation>
  </message>
  <message>
   <source>Paste</source>
   <translation>贴回</translation>
  </message>
  <message>
   <source>Pause (space)</source>
   <translation>暂停（空格）</translation>
  </message>
  <message>
   <source>Perceived difference between both pictures of the worst face in this frame; 0 for none</source>
   <translation>此帧中最差人脸的两边画面的感知差异；0 表示无差异</translation>
  </message>
  <message>
   <source>Percentile</source>
   <translation>百分位</translation>
  </message>
  <message>
   <source>Person</source>
   <translation>人物</translation>
  </message>
  <message>
   <source>Phone</source>
   <translation>手机</translation>
  </message>
  <message>
   <source>Phones are quicker with that; PCs may be slower, their float kernels are better.</source>
   <translation>手机上这样更快；电脑可能更慢，因其浮点内核更好。</translation>
  </message>
  <message>
   <source>Phones need every size fixed. What fits is said by whoever made the model.</source>
   <translation>手机要求所有尺寸固定。合适的尺寸由模型作者说明。</translation>
  </message>
  <message>
   <source>Phones need them fixed. Larger pictures cost more; the usual size is suggested.</source>
   <translation>手机要求尺寸固定。图片越大开销越高；已给出常用尺寸。</translation>
  </message>
  <message>
   <source>Picture</source>
   <translation>图片</translation>
  </message>
  <message>
   <source>Pictures</source>
   <translation>图片</translation>
  </message>
  <message>
   <source>Pictures of a person…</source>
   <translation>某个人的图片…</translation>
  </message>
  <message>
   <source>Pictures of one person</source>
   <translation>同一个人的图片</translation>
  </message>
  <message>
   <source>Pictures to compare on</source>
   <translation>用于对比的图片数</translation>
  </message>
  <message>
   <source>Pictures, the worst first</source>
   <translation>图片（最差的在前）</translation>
  </message>
  <message>
   <source>Picture…</source>
   <translation>图片…</translation>
  </message>
  <message>
   <source>Place in the clip</source>
   <translation>短片中的位置</translation>
  </message>
  <message>
   <source>Place in the graph</source>
   <translation>在计算图中的位置</translation>
  </message>
  <message>
   <source>Play (space)</source>
   <translation>播放（空格）</translation>
  </message>
  <message>
   <source>Points apart</source>
   <translation>点偏差</translation>
  </message>
  <message>
   <source>Points moved</source>
   <translation>关键点位移</translation>
  </message>
  <message>
   <source>Policy</source>
   <translation>策略</translation>
  </message>
  <message>
   <source>Preparing the export's preview</source>
   <translation>正在准备导出预览</translation>
  </message>
  <message>
   <source>Preparing the graph for quantization</source>
   <translation>正在为量化准备计算图</translation>
  </message>
  <message>
   <source>Press the control</source>
   <translation>按下控件</translation>
  </message>
  <message>
   <source>Previous sample</source>
   <translation>上一个样本</translation>
  </message>
  <message>
   <source>Progress</source>
   <translation>进度</translation>
  </message>
  <message>
   <source>Progress of opening</source>
   <translation>打开进度</translation>
  </message>
  <message>
   <source>Progress of the comparison</source>
   <translation>对比进度</translation>
  </message>
  <message>
   <source>Progress of the export</source>
   <translation>导出进度</translation>
  </message>
  <message>
   <source>Progress of the running job</source>
   <translation>当前任务的进度</translation>
  </message>
  <message>
   <source>Progress of the scan</source>
   <translation>扫描进度</translation>
  </message>
  <message>
   <source>Progress of the whole conversion</source>
   <translation>整个转换的进度</translation>
  </message>
  <message>
   <source>Progress of {title}</source>
   <translation>{title}的进度</translation>
  </message>
  <message>
   <source>Projects ({patterns})</source>
   <translation>项目 ({patterns})</translation>
  </message>
  <message>
   <source>Proven when it is applied: changes no bit of the results.</source>
   <translation>应用时验证：结果逐位不变。</translation>
  </message>
  <message>
   <source>Proven when it is applied: results differ by {part} of the largest at most.</source>
   <translation>应用时验证：结果差异最多为最大值的 {part}。</translation>
  </message>
  <message>
   <source>Prune</source>
   <translation>剪枝</translation>
  </message>
  <message>
   <source>Pruning</source>
   <translation>剪枝</translation>
  </message>
  <message>
   <source>Pruning is not available yet. Nothing on this page changes the model or the recipe.</source>
   <translation>剪枝尚不可用。本页不会更改模型或配方。</translation>
  </message>
  <message>
   <source>Put the former file back, or use this one: the files made so far then leave the project.</source>
   <translation>请放回原来的文件，或使用此文件：已生成的文件将随之移出项目。</translation>
  </message>
  <message>
   <source>Put the whole text on the clipboard, to send it with a report</source>
   <translation>将全部文本复制到剪贴板，以便随报告发送</translation>
  </message>
  <message>
   <source>PyTorch weights</source>
   <translation>PyTorch 权重</translation>
  </message>
  <message>
   <source>Python code</source>
   <translation>Python 代码</translation>
  </message>
  <message>
   <source>Quantize</source>
   <translation>量化</translation>
  </message>
  <message>
   <source>Quantize a layer</source>
   <translation>量化某层</translation>
  </message>
  <message>
   <source>Quantize the model</source>
   <translation>量化模型</translation>
  </message>
  <message>
   <source>Quantize this model</source>
   <translation>量化此模型</translation>
  </message>
  <message>
   <source>Quantizing</source>
   <translation>正在量化</translation>
  </message>
  <message>
   <source>Quantizing the layers of the TFLite file</source>
   <translation>正在量化 TFLite 文件的各层</translation>
  </message>
  <message>
   <source>Quantizing weights</source>
   <translation>正在量化权重</translation>
  </message>
  <message>
   <source>README</source>
   <translation>README</translation>
  </message>
  <message>
   <source>README.md as it will be written</source>
   <translation>将要写入的 README.md</translation>
  </message>
  <message>
   <source>README.md as it will be written: how an app feeds the chosen files</source>
   <translation>将要写入的 README.md：应用如何使用所选文件</translation>
  </message>
  <message>
   <source>Range</source>
   <translation>范围</translation>
  </message>
  <message>
   <source>Range by the policy {policy}.</source>
   <translation>范围由策略 {policy} 决定。</translation>
  </message>
  <message>
   <source>Range set by hand.</source>
   <translation>范围为手动设置。</translation>
  </message>
  <message>
   <source>Ranges by hand</source>
   <translation>手动范围</translation>
  </message>
  <message>
   <source>Ranges of 8-bit activations reach as far below zero as above it; coarser, but simpler for some chips.</source>
   <translation>8 位激活的范围在零点两侧对称；更粗糙，但对某些芯片更简单。</translation>
  </message>
  <message>
   <source>Ranges set by hand: tensor=low:high, separated by commas; names are written as in layers.</source>
   <translation>手动设置的范围：张量=下限:上限，用逗号分隔；名称写法与逐层规则相同。</translation>
  </message>
  <message>
   <source>Rare values, which decide where ranges end, are seen on a logarithmic scale only</source>
   <translation>决定范围端点的罕见值只有在对数刻度下才能看到</translation>
  </message>
  <message>
   <source>Ratio of signal to noise between both pictures; more is better</source>
   <translation>两边画面之间的信噪比；越大越好</translation>
  </message>
  <message>
   <source>Reading</source>
   <translation>正在读取</translation>
  </message>
  <message>
   <source>Reading a histogram</source>
   <translation>正在读取直方图</translation>
  </message>
  <message>
   <source>Reading pictures</source>
   <translation>正在读取图片</translation>
  </message>
  <message>
   <source>Reading samples</source>
   <translation>正在读取样本</translation>
  </message>
  <message>
   <source>Reading the calibration set</source>
   <translation>正在读取校准集</translation>
  </message>
  <message>
   <source>Reading the calibration set was stopped. What was observed so far is kept.</source>
   <translation>已停止读取校准集。已观测的内容会保留。</translation>
  </message>
  <message>
   <source>Reading the sample…</source>
   <translation>正在读取样本…</translation>
  </message>
  <message>
   <source>Reading the video</source>
   <translation>正在读取视频</translation>
  </message>
  <message>
   <source>Reading the weights</source>
   <translation>正在读取权重</translation>
  </message>
  <message>
   <source>Reading what the files say of themselves</source>
   <translation>正在读取文件的自述信息</translation>
  </message>
  <message>
   <source>Reads</source>
   <translation>读入</translation>
  </message>
  <message>
   <source>Real pictures that every file is run on, at most; noise, constants and extremes are added.</source>
   <translation>每个文件最多用多少张真实图片验证；另加噪声、常量和极值样本。</translation>
  </message>
  <message>
   <source>Recent</source>
   <translation>最近使用</translation>
  </message>
  <message>
   <source>Recipe</source>
   <translation>配方</translation>
  </message>
  <message>
   <source>Recognising the model</source>
   <translation>正在识别模型</translation>
  </message>
  <message>
   <source>Recognising the network</source>
   <translation>正在识别网络</translation>
  </message>
  <message>
   <source>Recognising the outputs of onnx2tf's file</source>
   <translation>正在识别 onnx2tf 文件的输出</translation>
  </message>
  <message>
   <source>Record both sides</source>
   <translation>录制两侧画面</translation>
  </message>
  <message>
   <source>Record both sides as a video (R)</source>
   <translation>将两侧画面录制成视频 (R)</translation>
  </message>
  <message>
   <source>Remove</source>
   <translation>移除</translation>
  </message>
  <message>
   <source>Remove all jobs that are over from this list</source>
   <translation>从列表中移除所有已结束的任务</translation>
  </message>
  <message>
   <source>Remove from the project and the disk: {count}</source>
   <translation>从项目和磁盘中移除：{count}</translation>
  </message>
  <message>
   <source>Remove from this list</source>
   <translation>从列表中移除</translation>
  </message>
  <message>
   <source>Remove outdated files</source>
   <translation>移除过时文件</translation>
  </message>
  <message>
   <source>Remove {names}</source>
   <translation>移除 {names}</translation>
  </message>
  <message>
   <source>Remove {name} from the project and the disk</source>
   <translation>从项目和磁盘中移除 {name}</translation>
  </message>
  <message>
   <source>Remove {place}</source>
   <translation>移除 {place}</translation>
  </message>
  <message>
   <source>Remove {title}</source>
   <translation>移除{title}</translation>
  </message>
  <message>
   <source>Removing outdated files</source>
   <translation>正在移除过时文件</translation>
  </message>
  <message>
   <source>Replace it</source>
   <translation>替换</translation>
  </message>
  <message>
   <source>Report</source>
   <translation>报告</translation>
  </message>
  <message>
   <source>Rescued work</source>
   <translation>已恢复的内容</translation>
  </message>
  <message>
   <source>Reset</source>
   <translation>重置</translation>
  </message>
  <message>
   <source>Retry</source>
   <translation>重试</translation>
  </message>
  <message>
   <source>Rewriting the graph</source>
   <translation>正在改写计算图</translation>
  </message>
  <message>
   <source>Role</source>
   <translation>角色</translation>
  </message>
  <message>
   <source>Roles are guessed from shapes; colour order and value range are not known.</source>
   <translation>角色由形状推测；颜色顺序和取值范围未知。</translation>
  </message>
  <message>
   <source>Round weights so that each layer's output stays near; seconds a layer.</source>
   <translation>优化权重取整，使每层输出尽量接近；每层需数秒。</translation>
  </message>
  <message>
   <source>Rounded to zero</source>
   <translation>舍入为零</translation>
  </message>
  <message>
   <source>Rules for some layers: pattern=scheme, separated by commas, later ones win; a pattern (with * and ?) is of layer names or operators, or the word first or last: 'Conv=w8a8,/decoder*=w8,last=float'. The exact name of a layer comes before all other meanings; in names write %2C for a comma, %3D for =, %20 for a space, %25 for %.</source>
   <translation>部分层的规则：模式=方案，用逗号分隔，后者优先；模式（可含 * 和 ?）匹配层名或算子，也可写 first 或 last：'Conv=w8a8,/decoder*=w8,last=float'。层的确切名称优先于其他含义；名称中逗号写作 %2C，= 写作 %3D，空格写作 %20，% 写作 %25。</translation>
  </message>
  <message>
   <source>Run again with the same settings</source>
   <translation>以相同设置重新运行</translation>
  </message>
  <message>
   <source>Run all chosen models on the same pictures</source>
   <translation>在相同图片上运行所有选中的模型</translation>
  </message>
  <message>
   <source>Run the file's code and open the model it makes.</source>
   <translation>运行该文件的代码并打开它生成的模型。</translation>
  </message>
  <message>
   <source>Run the files beside the original and add comparison.html with the pictures; takes a while</source>
   <translation>将文件与原模型一同运行，并附上含图片的 comparison.html；需要一些时间</translation>
  </message>
  <message>
   <source>Running</source>
   <translation>正在运行</translation>
  </message>
  <message>
   <source>Running the TFLite file once beside the original</source>
   <translation>正在将 TFLite 文件与原模型各运行一次</translation>
  </message>
  <message>
   <source>Running the factory</source>
   <translation>正在运行工厂函数</translation>
  </message>
  <message>
   <source>Running the float model</source>
   <translation>正在运行浮点模型</translation>
  </message>
  <message>
   <source>Running the original</source>
   <translation>正在运行原模型</translation>
  </message>
  <message>
   <source>Runs the model on real pictures, with the changes of the recipe, and looks at every value.</source>
   <translation>按配方的更改在真实图片上运行模型，并检查每个数值。</translation>
  </message>
  <message>
   <source>SHA-256</source>
   <translation>SHA-256</translation>
  </message>
  <message>
   <source>SHA-256 {digest}</source>
   <translation>SHA-256 {digest}</translation>
  </message>
  <message>
   <source>Samples</source>
   <translation>样本</translation>
  </message>
  <message>
   <source>Save</source>
   <translation>保存</translation>
  </message>
  <message>
   <source>Save &amp;as...</source>
   <translation>另存为(&amp;A)...</translation>
  </message>
  <message>
   <source>Save a picture of both sides</source>
   <translation>保存两侧的图片</translation>
  </message>
  <message>
   <source>Save a picture of both sides and numbers (S)</source>
   <translation>保存两侧画面和数值的图片 (S)</translation>
  </message>
  <message>
   <source>Save as...</source>
   <translation>另存为...</translation>
  </message>
  <message>
   <source>Save report…</source>
   <translation>保存报告…</translation>
  </message>
  <message>
   <source>Save the changes to {name}?</source>
   <translation>是否保存对 {name} 的更改？</translation>
  </message>
  <message>
   <source>Save the project</source>
   <translation>保存项目</translation>
  </message>
  <message>
   <source>Save the report</source>
   <translation>保存报告</translation>
  </message>
  <message>
   <source>Saved inputs</source>
   <translation>已保存的输入</translation>
  </message>
  <message>
   <source>Saved inputs (.npz)…</source>
   <translation>已保存的输入 (.npz)…</translation>
  </message>
  <message>
   <source>Scan</source>
   <translation>扫描</translation>
  </message>
  <message>
   <source>Scan again</source>
   <translation>重新扫描</translation>
  </message>
  <message>
   <source>Scan for values that fp16 cannot hold</source>
   <translation>扫描 fp16 无法容纳的值</translation>
  </message>
  <message>
   <source>Scanning for fp16</source>
   <translation>正在扫描 fp16 风险</translation>
  </message>
  <message>
   <source>Scanning {name} for fp16</source>
   <translation>正在扫描 {name} 的 fp16 风险</translation>
  </message>
  <message>
   <source>Scheme</source>
   <translation>方案</translation>
  </message>
  <message>
   <source>Se&amp;ttings...</source>
   <translation>设置(&amp;T)...</translation>
  </message>
  <message>
   <source>Search</source>
   <translation>搜索</translation>
  </message>
  <message>
   <source>Search by name, operator or shape</source>
   <translation>按名称、算子或形状搜索</translation>
  </message>
  <message>
   <source>Search layers</source>
   <translation>搜索层</translation>
  </message>
  <message>
   <source>Search the layers</source>
   <translation>搜索层</translation>
  </message>
  <message>
   <source>Seconds</source>
   <translation>秒</translation>
  </message>
  <message>
   <source>See the original and the made files side by side</source>
   <translation>并排查看原模型与生成的文件</translation>
  </message>
  <message>
   <source>See what compression did: the same pictures through both models, side by side.</source>
   <translation>查看压缩的影响：同样的图片经过两个模型，并排显示。</translation>
  </message>
  <message>
   <source>See what the model is, what it costs and what will not survive</source>
   <translation>查看模型的内容、开销以及哪些部分无法保留</translation>
  </message>
  <message>
   <source>Seen {low} to {high}.</source>
   <translation>观测到 {low} 至 {high}。</translation>
  </message>
  <message>
   <source>Selects these layers in the table of layers.</source>
   <translation>在层表中选中这些层。</translation>
  </message>
  <message>
   <source>Set a range by hand</source>
   <translation>手动设置范围</translation>
  </message>
  <message>
   <source>Settings</source>
   <translation>设置</translation>
  </message>
  <message>
   <source>Settings, rescued work, crash reports and files of projects that were never saved</source>
   <translation>设置、已恢复的内容、崩溃报告以及从未保存过的项目的文件</translation>
  </message>
  <message>
   <source>Shape</source>
   <translation>形状</translation>
  </message>
  <message>
   <source>Shape of its first result</source>
   <translation>第一个结果的形状</translation>
  </message>
  <message>
   <source>Share</source>
   <translation>占比</translation>
  </message>
  <message>
   <source>Share of the model's multiply-accumulates</source>
   <translation>占模型乘加运算的比例</translation>
  </message>
  <message>
   <source>Share of what all layers lose alone</source>
   <translation>占各层单独损失之和的比例</translation>
  </message>
  <message>
   <source>Shared area of both masks by the area of both; 1 for the same</source>
   <translation>两边遮罩的交集面积与并集面积之比；1 表示相同</translation>
  </message>
  <message>
   <source>Show</source>
   <translation>显示</translation>
  </message>
  <message>
   <source>Show each pixel of the picture as one of the screen</source>
   <translation>按 1:1 像素显示</translation>
  </message>
  <message>
   <source>Show file</source>
   <translation>显示文件</translation>
  </message>
  <message>
   <source>Show findings for</source>
   <translation>显示以下目标的检查结果</translation>
  </message>
  <message>
   <source>Show layers only whose names hold this text</source>
   <translation>仅显示名称包含此文字的层</translation>
  </message>
  <message>
   <source>Show less</source>
   <translation>收起</translation>
  </message>
  <message>
   <source>Show live frames</source>
   <translation>显示实时画面</translation>
  </message>
  <message>
   <source>Show or hide all jobs (Ctrl+J)</source>
   <translation>显示或隐藏所有任务 (Ctrl+J)</translation>
  </message>
  <message>
   <source>Show the largest face alone (F)</source>
   <translation>只显示最大的人脸 (F)</translation>
  </message>
  <message>
   <source>Show the largest face alone: there it is seen what rounding does</source>
   <translation>只显示最大的人脸：在那里能看出舍入的影响</translation>
  </message>
  <message>
   <source>Show the moving picture of the Compare page instead of a sample; what is changed here changes it, too</source>
   <translation>显示“比较”页的动态画面而不是样本；此处的更改也会作用于它</translation>
  </message>
  <message>
   <source>Show the program's own folder</source>
   <translation>显示程序自己的文件夹</translation>
  </message>
  <message>
   <source>Show the whole picture (0)</source>
   <translation>显示整幅画面 (0)</translation>
  </message>
  <message>
   <source>Show these layers</source>
   <translation>显示这些层</translation>
  </message>
  <message>
   <source>Show what the workers printed</source>
   <translation>显示工作进程的输出</translation>
  </message>
  <message>
   <source>Show what was written in the system's file manager</source>
   <translation>在系统文件管理器中显示写入的内容</translation>
  </message>
  <message>
   <source>Showing what quantization does</source>
   <translation>正在展示量化效果</translation>
  </message>
  <message>
   <source>Shows only what concerns this kind of file, or this runtime.</source>
   <translation>仅显示与此类文件或运行时有关的内容。</translation>
  </message>
  <message>
   <source>Shows the layers whose name, operator or shape hold all these words.</source>
   <translation>显示名称、算子或形状包含所有这些词的层。</translation>
  </message>
  <message>
   <source>Side by side</source>
   <translation>并排</translation>
  </message>
  <message>
   <source>Sides of the picture that the models saw, by the frame's</source>
   <translation>模型所见画面的边长与原帧边长之比</translation>
  </message>
  <message>
   <source>Signature</source>
   <translation>签名</translation>
  </message>
  <message>
   <source>Simplify the graph</source>
   <translation>简化计算图</translation>
  </message>
  <message>
   <source>Simplify the graph before every conversion</source>
   <translation>每次转换前简化计算图</translation>
  </message>
  <message>
   <source>Simplify the graph first</source>
   <translation>先简化计算图</translation>
  </message>
  <message>
   <source>Simplifying the graph</source>
   <translation>正在简化计算图</translation>
  </message>
  <message>
   <source>Simulated phone</source>
   <translation>模拟的手机</translation>
  </message>
  <message>
   <source>Simulated temperature of the phone's surface. The marks at {marks} °C: from there on an app gives way. Warming as published of the {phone}.</source>
   <translation>模拟的手机表面温度。{marks} °C 处的刻度：从此处起应用会降低负载。升温数据取自已公布的 {phone} 测试。</translation>
  </message>
  <message>
   <source>Simulated, from published figures</source>
   <translation>模拟结果，依据已公布的数据</translation>
  </message>
  <message>
   <source>Simulated: worked out from the work of this model and {count} published runs of other models on the {phone} ({unit}), in {basis}. The numbers in brackets say how far those runs lie apart; a model of another kind may be further off.</source>
   <translation>模拟结果：由此模型的计算量和 {phone}（{unit}）上其他模型的 {count} 次已公布运行（{basis}）推算。括号中的数字表示这些运行彼此相差多远；其他类型的模型可能偏差更大。</translation>
  </message>
  <message>
   <source>Size</source>
   <translation>大小</translation>
  </message>
  <message>
   <source>Size of the camera's pictures</source>
   <translation>摄像头画面的尺寸</translation>
  </message>
  <message>
   <source>Size of the camera's pictures; it gives the nearest that it can</source>
   <translation>摄像头画面的尺寸；摄像头会给出最接近的尺寸</translation>
  </message>
  <message>
   <source>Size of {axis} of the input {name}</source>
   <translation>输入 {name} 的 {axis} 尺寸</translation>
  </message>
  <message>
   <source>Sizes of the input {name}</source>
   <translation>输入 {name} 的尺寸</translation>
  </message>
  <message>
   <source>Sizes that the file leaves open</source>
   <translation>文件未固定的尺寸</translation>
  </message>
  <message>
   <source>So that nothing is lost, this work is a project of its own now.</source>
   <translation>为避免丢失，此内容现已成为独立的项目。</translation>
  </message>
  <message>
   <source>Some values may be too large for fp16: look at the fp16 scan on the page Model, or take fp32.</source>
   <translation>某些值对 fp16 可能过大：请查看“模型”页的 fp16 扫描，或改用 fp32。</translation>
  </message>
  <message>
   <source>Something in the program went wrong. You can go on; save your work soon.</source>
   <translation>程序内部出现错误。可以继续使用，但请尽快保存。</translation>
  </message>
  <message>
   <source>Source</source>
   <translation>来源</translation>
  </message>
  <message>
   <source>Sources:</source>
   <translation>来源：</translation>
  </message>
  <message>
   <source>Speed</source>
   <translation>速度</translation>
  </message>
  <message>
   <source>Split</source>
   <translation>分割</translation>
  </message>
  <message>
   <source>Staging the model</source>
   <translation>正在暂存模型</translation>
  </message>
  <message>
   <source>Start</source>
   <translation>开始</translation>
  </message>
  <message>
   <source>Start the live comparison</source>
   <translation>开始实时对比</translation>
  </message>
  <message>
   <source>Starting</source>
   <translation>正在启动</translation>
  </message>
  <message>
   <source>Starting the preview…</source>
   <translation>正在启动预览…</translation>
  </message>
  <message>
   <source>State</source>
   <translation>状态</translation>
  </message>
  <message>
   <source>Statistics fp32</source>
   <translation>统计量保持 fp32</translation>
  </message>
  <message>
   <source>Stop</source>
   <translation>停止</translation>
  </message>
  <message>
   <source>Stop opening</source>
   <translation>停止打开</translation>
  </message>
  <message>
   <source>Stop opening; what was open stays open.</source>
   <translation>停止打开；已打开的内容保持不变。</translation>
  </message>
  <message>
   <source>Stop reading the calibration set</source>
   <translation>停止读取校准集</translation>
  </message>
  <message>
   <source>Stop the scan</source>
   <translation>停止扫描</translation>
  </message>
  <message>
   <source>Stop the scan.</source>
   <translation>停止扫描。</translation>
  </message>
  <message>
   <source>Stop within seconds; nothing of this conversion is kept</source>
   <translation>数秒内停止；本次转换不保留任何内容</translation>
  </message>
  <message>
   <source>Stop; what was observed so far is kept for the next time</source>
   <translation>停止；已观测的内容留待下次使用</translation>
  </message>
  <message>
   <source>Stopping</source>
   <translation>正在停止</translation>
  </message>
  <message>
   <source>StyleGAN2-type: Split(axis=1) pairs and scalar-index Gathers break CoreML EP partitions before ORT 1.27</source>
   <translation>StyleGAN2 型：在 ORT 1.27 之前，成对的 Split(axis=1) 和标量索引的 Gather 会打断 CoreML EP 分区</translation>
  </message>
  <message>
   <source>Swapping</source>
   <translation>正在换脸</translation>
  </message>
  <message>
   <source>Switch the camera on, take the pictures, switch it off</source>
   <translation>打开摄像头，拍摄图片，然后关闭</translation>
  </message>
  <message>
   <source>Symmetric</source>
   <translation>对称</translation>
  </message>
  <message>
   <source>TFLite</source>
   <translation>TFLite</translation>
  </message>
  <message>
   <source>Take away channels that matter little</source>
   <translation>去除影响很小的通道</translation>
  </message>
  <message>
   <source>Take away channels that matter little.</source>
   <translation>去除影响很小的通道。</translation>
  </message>
  <message>
   <source>Take int8 weights, or int8 with calibrated ranges.</source>
   <translation>请改用 int8 权重，或使用校准范围的 int8。</translation>
  </message>
  <message>
   <source>Take more palette bits under Options, or int8 weights.</source>
   <translation>请在“选项”中增加调色板位数，或改用 int8 权重。</translation>
  </message>
  <message>
   <source>Take pictures</source>
   <translation>拍摄图片</translation>
  </message>
  <message>
   <source>Take pictures (CVPixelBuffer) instead of arrays, normalised inside.</source>
   <translation>输入改为图片 (CVPixelBuffer) 而非数组，归一化在内部完成。</translation>
  </message>
  <message>
   <source>Take smaller blocks under Options where the target has them, or fp16.</source>
   <translation>若目标支持，请在“选项”中使用更小的分块，或改用 fp16。</translation>
  </message>
  <message>
   <source>Take the mean error of each layer out by its biases.</source>
   <translation>通过偏置消除每层的平均误差。</translation>
  </message>
  <message>
   <source>Take these samples out of the set; no file is deleted</source>
   <translation>将这些样本移出集合；不会删除文件</translation>
  </message>
  <message>
   <source>Take this out of the list; the file stays</source>
   <translation>从列表中移除；文件本身保留</translation>
  </message>
  <message>
   <source>Taking calibration pictures</source>
   <translation>正在拍摄校准图片</translation>
  </message>
  <message>
   <source>Taking pictures</source>
   <translation>正在拍摄</translation>
  </message>
  <message>
   <source>Taking pictures. Turn your head and change the light.</source>
   <translation>正在拍摄。请转动头部并改变光线。</translation>
  </message>
  <message>
   <source>Taking sizes and hashes</source>
   <translation>正在计算大小和哈希</translation>
  </message>
  <message>
   <source>Temperature of the simulated phone</source>
   <translation>模拟手机的温度</translation>
  </message>
  <message>
   <source>Tensor</source>
   <translation>张量</translation>
  </message>
  <message>
   <source>TensorFlow Lite on a GPU</source>
   <translation>GPU 上的 TensorFlow Lite</translation>
  </message>
  <message>
   <source>The app goes on at full speed, however warm the phone becomes.</source>
   <translation>无论手机多热，应用都全速运行。</translation>
  </message>
  <message>
   <source>The beginning of the source file's SHA-256. Press to copy all of it.</source>
   <translation>源文件 SHA-256 的开头部分。点击可复制完整内容。</translation>
  </message>
  <message>
   <source>The camera stays off</source>
   <translation>摄像头保持关闭</translation>
  </message>
  <message>
   <source>The candidate's picture alone</source>
   <translation>仅候选画面</translation>
  </message>
  <message>
   <source>The chosen sample is shown at the right.</source>
   <translation>所选样本显示在右侧。</translation>
  </message>
  <message>
   <source>The comparison runs every file on the pictures first, which takes minutes for Core ML.</source>
   <translation>对比会先用每个文件处理这些图片，Core ML 需要数分钟。</translation>
  </message>
  <message>
   <source>The conversion that runs</source>
   <translation>正在运行的转换</translation>
  </message>
  <message>
   <source>The face lies elsewhere than the model expects it</source>
   <translation>人脸位置与模型预期不符</translation>
  </message>
  <message>
   <source>The file whose losses are shown; the video goes on while it changes</source>
   <translation>显示其损失的文件；更换时视频继续播放</translation>
  </message>
  <message>
   <source>The first start takes some seconds; afterwards models change while the video goes on.</source>
   <translation>首次启动需要几秒钟；之后更换模型时视频继续播放。</translation>
  </message>
  <message>
   <source>The first {shown} are listed.</source>
   <translation>仅列出前 {shown} 项。</translation>
  </message>
  <message>
   <source>The folder that the new one is made in</source>
   <translation>新文件夹所在的位置</translation>
  </message>
  <message>
   <source>The frames that lose the most gather here while the preview runs.</source>
   <translation>预览运行时，损失最大的帧会汇集在这里。</translation>
  </message>
  <message>
   <source>The frames that lost most, for calibration</source>
   <translation>损失最大的画面，可用于校准</translation>
  </message>
  <message>
   <source>The heaviest layers</source>
   <translation>开销最大的层</translation>
  </message>
  <message>
   <source>The highest value that codes cover; never below 0</source>
   <translation>码值覆盖的最大值；不小于 0</translation>
  </message>
  <message>
   <source>The largest LPIPS of any frame</source>
   <translation>所有帧中最大的 LPIPS</translation>
  </message>
  <message>
   <source>The largest values</source>
   <translation>最大的值</translation>
  </message>
  <message>
   <source>The live comparison cannot go on</source>
   <translation>实时对比无法继续</translation>
  </message>
  <message>
   <source>The live comparison is off</source>
   <translation>实时对比未开启</translation>
  </message>
  <message>
   <source>The live picture ended. Press play to begin again.</source>
   <translation>实时画面已结束。按播放键重新开始。</translation>
  </message>
  <message>
   <source>The live picture is off. Press play to begin.</source>
   <translation>实时画面已关闭。按播放键开始。</translation>
  </message>
  <message>
   <source>The lowest value that codes cover; never above 0</source>
   <translation>码值覆盖的最小值；不大于 0</translation>
  </message>
  <message>
   <source>The model</source>
   <translation>模型</translation>
  </message>
  <message>
   <source>The model as it is: weights of {size}, {parameters} parameters, {macs} multiply-accumulates a run.</source>
   <translation>当前模型：权重 {size}，{parameters} 个参数，每次运行 {macs} 次乘加运算。</translation>
  </message>
  <message>
   <source>The model was not recognised, so its licence is not known. Find it out before you ship it.</source>
   <translation>未能识别该模型，许可证未知。发布前请查明。</translation>
  </message>
  <message>
   <source>The models draw no picture: this is what goes in. How far their results are apart is in the table.</source>
   <translation>这些模型不输出画面：此处显示输入。结果的差距见表格。</translation>
  </message>
  <message>
   <source>The models run on the same pictures, one after the other; then you see them side by side.</source>
   <translation>各模型依次处理相同的图片，然后并排显示。</translation>
  </message>
  <message>
   <source>The models run one after the other. The result appears here when all are measured.</source>
   <translation>各模型依次运行。全部测量完成后结果显示在这里。</translation>
  </message>
  <message>
   <source>The open model: {name}, {family}, from {inputs} to {outputs}</source>
   <translation>打开的模型：{name}，{family}，从 {inputs} 到 {outputs}</translation>
  </message>
  <message>
   <source>The original is gone; the model takes its place.</source>
   <translation>原始文件已不存在，改用项目的模型。</translation>
  </message>
  <message>
   <source>The original's picture alone</source>
   <translation>仅原模型画面</translation>
  </message>
  <message>
   <source>The original: {path}</source>
   <translation>原模型：{path}</translation>
  </message>
  <message>
   <source>The peak being the output's span over all pictures.</source>
   <translation>峰值取所有图片上输出的取值跨度。</translation>
  </message>
  <message>
   <source>The picture appears here once the calibration set was read.</source>
   <translation>读取校准集后，画面会显示在这里。</translation>
  </message>
  <message>
   <source>The picture in view</source>
   <translation>当前画面</translation>
  </message>
  <message>
   <source>The pictures in {name} are not where they were.</source>
   <translation>{name} 中的图片不在原来的位置。</translation>
  </message>
  <message>
   <source>The pictures of this comparison are gone. Compare once more.</source>
   <translation>此次对比的图片已不存在。请重新对比。</translation>
  </message>
  <message>
   <source>The preview ended by itself. It starts again…</source>
   <translation>预览意外结束，正在重新启动…</translation>
  </message>
  <message>
   <source>The preview stopped unexpectedly and begins again.</source>
   <translation>预览意外停止，正在重新启动。</translation>
  </message>
  <message>
   <source>The preview stopped unexpectedly. The recording is lost.</source>
   <translation>预览意外停止，录像已丢失。</translation>
  </message>
  <message>
   <source>The preview stopped {count} times within a minute and is not started again.</source>
   <translation>预览在一分钟内停止了 {count} 次，不再重新启动。</translation>
  </message>
  <message>
   <source>The program ended unexpectedly the last time.</source>
   <translation>程序上次意外结束。</translation>
  </message>
  <message>
   <source>The project is not saved yet: files move beside it when it is.</source>
   <translation>项目尚未保存：保存后文件会移到项目旁边。</translation>
  </message>
  <message>
   <source>The project lies on another disk, or another project names them.</source>
   <translation>项目位于另一磁盘，或有其他项目引用它们。</translation>
  </message>
  <message>
   <source>The project works as it is here; export the files to take them elsewhere.</source>
   <translation>项目在此可正常使用；如需带到别处，请导出文件。</translation>
  </message>
  <message>
   <source>The project's model {name} is not where it was.</source>
   <translation>项目的模型 {name} 不在原来的位置。</translation>
  </message>
  <message>
   <source>The quantized model gives NaN or infinity.</source>
   <translation>量化后的模型输出 NaN 或无穷大。</translation>
  </message>
  <message>
   <source>The recipe and the list of made files are lost otherwise. The made files themselves stay.</source>
   <translation>否则将丢失配方和已生成文件的列表。已生成的文件本身会保留。</translation>
  </message>
  <message>
   <source>The recipe is lost otherwise, and the files made so far ({count}) are deleted.</source>
   <translation>否则将丢失配方，已生成的文件（{count} 个）也会被删除。</translation>
  </message>
  <message>
   <source>The recipe is lost otherwise.</source>
   <translation>否则将丢失配方。</translation>
  </message>
  <message>
   <source>The recipe was changed since, or there is a newer file.</source>
   <translation>配方之后有更改，或已有更新的文件。</translation>
  </message>
  <message>
   <source>The recording {name} was saved, {count} frames.</source>
   <translation>录像 {name} 已保存，共 {count} 帧。</translation>
  </message>
  <message>
   <source>The recording {name} was saved, {count} frames; {left} more came faster than they could be written.</source>
   <translation>录像 {name} 已保存，共 {count} 帧；另有 {left} 帧来得太快，未能写入。</translation>
  </message>
  <message>
   <source>The reference executor: its pictures are right, its speed says nothing.</source>
   <translation>参考执行器：画面正确，但速度不具参考意义。</translation>
  </message>
  <message>
   <source>The report was written to {file}.</source>
   <translation>报告已写入 {file}。</translation>
  </message>
  <message>
   <source>The same as a part of the face's size</source>
   <translation>同一数值，占人脸大小的比例</translation>
  </message>
  <message>
   <source>The scan was cancelled.</source>
   <translation>扫描已取消。</translation>
  </message>
  <message>
   <source>The snapshot {name} was saved.</source>
   <translation>快照 {name} 已保存。</translation>
  </message>
  <message>
   <source>The space bar keeps the chosen layer float, or not.</source>
   <translation>按空格键切换所选层是否保持浮点。</translation>
  </message>
  <message>
   <source>The temperatures from which the app gives way are the Pixel 8's; no other maker's were found.</source>
   <translation>应用开始降低负载的温度取自 Pixel 8；未找到其他厂商的数据。</translation>
  </message>
  <message>
   <source>The tensor that the layer reads</source>
   <translation>该层读入的张量</translation>
  </message>
  <message>
   <source>The tensor that the layer writes</source>
   <translation>该层写出的张量</translation>
  </message>
  <message>
   <source>The worst picture is {name}</source>
   <translation>最差的图片是 {name}</translation>
  </message>
  <message>
   <source>The {count} worst</source>
   <translation>最差的 {count} 张</translation>
  </message>
  <message>
   <source>There are no pictures of this candidate.</source>
   <translation>此候选没有图片。</translation>
  </message>
  <message>
   <source>These pictures are in the calibration folder already.</source>
   <translation>这些图片已在校准文件夹中。</translation>
  </message>
  <message>
   <source>They do not lie in the project's folder of files.</source>
   <translation>它们不在项目的文件夹中。</translation>
  </message>
  <message>
   <source>This computer is slower than the phone would be: what you see is slower, too.</source>
   <translation>本计算机比该手机慢：您看到的画面也更慢。</translation>
  </message>
  <message>
   <source>This file does not compute what the original does: do not ship it.</source>
   <translation>此文件的计算结果与原模型不符：请勿发布。</translation>
  </message>
  <message>
   <source>This holds until the program ends; it is not saved in the project.</source>
   <translation>有效至程序结束；不会保存到项目中。</translation>
  </message>
  <message>
   <source>This model draws no picture. The figures below say what is lost.</source>
   <translation>此模型不输出画面。下方数值说明损失了什么。</translation>
  </message>
  <message>
   <source>This model draws no picture: the one above is what goes in. The figures say what is lost.</source>
   <translation>此模型不输出画面：上方显示的是输入。数值说明损失了什么。</translation>
  </message>
  <message>
   <source>This page changes nothing: size and speed stay as they are.</source>
   <translation>本页不作任何更改：体积和速度保持不变。</translation>
  </message>
  <message>
   <source>This program measured none of this. Times of your model are worked out from published runs of other models.</source>
   <translation>这些数据均非本程序实测。您的模型的耗时由其他模型已公布的运行数据推算。</translation>
  </message>
  <message>
   <source>This version of the program does not know it.</source>
   <translation>此版本的程序不认识它。</translation>
  </message>
  <message>
   <source>Threshold</source>
   <translation>阈值</translation>
  </message>
  <message>
   <source>Throw these changes away</source>
   <translation>丢弃这些更改</translation>
  </message>
  <message>
   <source>Tick the files that go into the folder</source>
   <translation>勾选要放入文件夹的文件</translation>
  </message>
  <message>
   <source>Time</source>
   <translation>耗时</translation>
  </message>
  <message>
   <source>Time for running the original, and for each file; at least four samples are run.</source>
   <translation>运行原模型以及每个文件的时间；至少运行四个样本。</translation>
  </message>
  <message>
   <source>Time from your hand to this picture</source>
   <translation>从操作到画面更新的时间</translation>
  </message>
  <message>
   <source>Time of each stage, median</source>
   <translation>各阶段用时，中位数</translation>
  </message>
  <message>
   <source>Time of this stage in a frame, median</source>
   <translation>一帧中此阶段的用时，中位数</translation>
  </message>
  <message>
   <source>Time that the candidate's model takes in a frame, median</source>
   <translation>候选模型处理一帧所需的时间，中位数</translation>
  </message>
  <message>
   <source>Time that the original's model takes in a frame, median</source>
   <translation>原模型处理一帧所需的时间，中位数</translation>
  </message>
  <message>
   <source>Timing</source>
   <translation>正在计时</translation>
  </message>
  <message>
   <source>Too warm: the app shows fewer frames, of a smaller picture.</source>
   <translation>过热：应用降低帧数并缩小画面。</translation>
  </message>
  <message>
   <source>Tracing</source>
   <translation>正在追踪</translation>
  </message>
  <message>
   <source>Training</source>
   <translation>正在训练</translation>
  </message>
  <message>
   <source>Trust and open</source>
   <translation>信任并打开</translation>
  </message>
  <message>
   <source>Trust it only if you know who made it and have it from them. An ONNX or safetensors file of the same model runs no code and needs no trust.</source>
   <translation>仅当您知道作者且直接从其获得时才信任。同一模型的 ONNX 或 safetensors 文件不运行代码，无需信任。</translation>
  </message>
  <message>
   <source>Try again</source>
   <translation>重试</translation>
  </message>
  <message>
   <source>Try another engine or layout under Options, or the rewrites that the page Model advises.</source>
   <translation>请在“选项”中尝试其他引擎或布局，或采用“模型”页建议的改写。</translation>
  </message>
  <message>
   <source>Try the demo</source>
   <translation>试用演示模型</translation>
  </message>
  <message>
   <source>Turn your head and change the light meanwhile. The pictures stay in the project's own folder.</source>
   <translation>拍摄时请转动头部并改变光线。图片保存在项目自己的文件夹中。</translation>
  </message>
  <message>
   <source>Two of the chosen files are called {name}; choose one of them.</source>
   <translation>所选文件中有两个都叫 {name}；请只选一个。</translation>
  </message>
  <message>
   <source>Type</source>
   <translation>类型</translation>
  </message>
  <message>
   <source>Uncounted</source>
   <translation>未计入</translation>
  </message>
  <message>
   <source>Under a stress test a phone is taken to make heat in proportion to its points: the iPhone 15 Pro as the 15 Pro Max, the Pixel 7 Pro as the Pixel 8, and the Pixel 7 Pro is taken for the one that stayed 6 degrees cooler.</source>
   <translation>假定手机在压力测试中的发热与得分成正比：iPhone 15 Pro 取 15 Pro Max 的数据，Pixel 7 Pro 取 Pixel 8 的数据，并假定温度低 6 度的那部是 Pixel 7 Pro。</translation>
  </message>
  <message>
   <source>Undo</source>
   <translation>撤销</translation>
  </message>
  <message>
   <source>Unknown family</source>
   <translation>未知系列</translation>
  </message>
  <message>
   <source>Unpacking</source>
   <translation>正在解包</translation>
  </message>
  <message>
   <source>Unsaved work of an earlier run cannot be offered.</source>
   <translation>无法恢复上次运行中未保存的内容。</translation>
  </message>
  <message>
   <source>Use a person's face only with that person's consent.</source>
   <translation>使用他人面容须征得本人同意。</translation>
  </message>
  <message>
   <source>Use it only on pictures of people who agreed to it, and say of every picture that it is synthetic.</source>
   <translation>仅可用于已同意者的图片，并须注明每张图片为合成。</translation>
  </message>
  <message>
   <source>Use the built-in clip</source>
   <translation>使用内置短片</translation>
  </message>
  <message>
   <source>Use the built-in crops</source>
   <translation>使用内置裁剪图</translation>
  </message>
  <message>
   <source>Use this file</source>
   <translation>使用此文件</translation>
  </message>
  <message>
   <source>Usual size</source>
   <translation>默认尺寸</translation>
  </message>
  <message>
   <source>Vendor</source>
   <translation>发布者</translation>
  </message>
  <message>
   <source>Verification failed</source>
   <translation>验证未通过</translation>
  </message>
  <message>
   <source>Verification: {samples} pictures, {seconds} s for each file</source>
   <translation>验证：{samples} 张图片，每个文件 {seconds} 秒</translation>
  </message>
  <message>
   <source>Verified</source>
   <translation>已验证</translation>
  </message>
  <message>
   <source>Verified: {verified} of {count}. The others say why.</source>
   <translation>通过验证：{verified}/{count}。其余的会说明原因。</translation>
  </message>
  <message>
   <source>Verify on the built-in pictures</source>
   <translation>用内置图片验证</translation>
  </message>
  <message>
   <source>Verifying</source>
   <translation>正在验证</translation>
  </message>
  <message>
   <source>Video</source>
   <translation>视频</translation>
  </message>
  <message>
   <source>Videos</source>
   <translation>视频</translation>
  </message>
  <message>
   <source>Video…</source>
   <translation>视频…</translation>
  </message>
  <message>
   <source>View: {mode}. M changes it, plus, minus and 0 zoom, arrows move.</source>
   <translation>视图：{mode}。M 切换，加号、减号和 0 缩放，方向键移动。</translation>
  </message>
  <message>
   <source>Virtual camera</source>
   <translation>虚拟摄像头</translation>
  </message>
  <message>
   <source>Waiting</source>
   <translation>等待中</translation>
  </message>
  <message>
   <source>Waiting for its turn</source>
   <translation>正在排队</translation>
  </message>
  <message>
   <source>Waiting for its turn.</source>
   <translation>正在排队。</translation>
  </message>
  <message>
   <source>Waiting for other jobs</source>
   <translation>正在等待其他任务</translation>
  </message>
  <message>
   <source>Warming as published of the {phone}.</source>
   <translation>升温数据取自已公布的 {phone} 测试。</translation>
  </message>
  <message>
   <source>Warming was measured on one phone of each maker; the maker's other phones are taken to warm alike.</source>
   <translation>每家厂商只有一部手机测过升温；假定该厂商的其他手机升温情况相同。</translation>
  </message>
  <message>
   <source>Warning</source>
   <translation>警告</translation>
  </message>
  <message>
   <source>Web page</source>
   <translation>网页</translation>
  </message>
  <message>
   <source>Weight block</source>
   <translation>权重分块</translation>
  </message>
  <message>
   <source>Weights</source>
   <translation>权重</translation>
  </message>
  <message>
   <source>Weights and arithmetic as in the original: the largest file, nothing is lost.</source>
   <translation>权重和运算与原模型相同：文件最大，没有损失。</translation>
  </message>
  <message>
   <source>Weights and what flows between layers in 8 bits, as calibrated on the page Quantize.</source>
   <translation>权重和层间数据均为 8 位，按“量化”页的校准。</translation>
  </message>
  <message>
   <source>Weights in 4 bits, arithmetic in float: an eighth of the size, and coarse.</source>
   <translation>4 位权重，浮点运算：体积为八分之一，较粗糙。</translation>
  </message>
  <message>
   <source>Weights in 8 bits, arithmetic in float: a quarter of the size, no calibration.</source>
   <translation>8 位权重，浮点运算：体积为四分之一，无需校准。</translation>
  </message>
  <message>
   <source>Weights in 8 bits; what flows between layers is rounded as it comes.</source>
   <translation>8 位权重；层间数据在运行时取整。</translation>
  </message>
  <message>
   <source>Weights that are first used here</source>
   <translation>在此首次使用的权重</translation>
  </message>
  <message>
   <source>Weights that share one scale in int8-weights and int4-weights; 0 for a whole output channel.</source>
   <translation>int8-weights 和 int4-weights 中共用一个缩放系数的权重数；0 表示整个输出通道。</translation>
  </message>
  <message>
   <source>Weights {before} → {after} ({share}).</source>
   <translation>权重 {before} → {after}（{share}）。</translation>
  </message>
  <message>
   <source>What converts: the LiteRT converter, onnx2tf with TensorFlow, or the first of them that works.</source>
   <translation>转换工具：LiteRT 转换器、基于 TensorFlow 的 onnx2tf，或其中首个可用者。</translation>
  </message>
  <message>
   <source>What goes in</source>
   <translation>输入内容</translation>
  </message>
  <message>
   <source>What goes in and what comes out, and open sizes.</source>
   <translation>输入与输出，以及未固定的尺寸。</translation>
  </message>
  <message>
   <source>What is lost when this layer alone is quantized; found by “Find who is to blame”</source>
   <translation>仅量化此层时的损失；由“定位损失来源”得出</translation>
  </message>
  <message>
   <source>What is won back when this layer alone stays float</source>
   <translation>仅让此层保持浮点时的挽回</translation>
  </message>
  <message>
   <source>What it cannot do with this model:</source>
   <translation>对此模型无法做到：</translation>
  </message>
  <message>
   <source>What it computes, in ONNX's words</source>
   <translation>它计算什么（ONNX 术语）</translation>
  </message>
  <message>
   <source>What it is, what it costs, and what will not survive on a phone.</source>
   <translation>它是什么、开销多少，以及哪些部分无法在手机上保留。</translation>
  </message>
  <message>
   <source>What ranges are measured on: photographs, face crops, a video, an .npz or a folder; empty: built-in crops; several places: one a line.</source>
   <translation>测量范围所用的数据：照片、人脸裁剪图、视频、.npz 或文件夹；留空为内置裁剪图；多个位置每行一个。</translation>
  </message>
  <message>
   <source>What runs the candidate on the phone</source>
   <translation>手机上运行候选模型的单元</translation>
  </message>
  <message>
   <source>What runs the candidate on the phone: only units that figures were published of</source>
   <translation>手机上运行候选模型的单元：仅列出有公布数据的单元</translation>
  </message>
  <message>
   <source>What the bars of the heaviest layers show.</source>
   <translation>最大开销层的条形所表示的内容。</translation>
  </message>
  <message>
   <source>What the bars show</source>
   <translation>条形表示</translation>
  </message>
  <message>
   <source>What the candidate is compared with</source>
   <translation>候选模型的对比对象</translation>
  </message>
  <message>
   <source>What the folder says and holds</source>
   <translation>文件夹的说明与内容</translation>
  </message>
  <message>
   <source>What the model is</source>
   <translation>模型是什么</translation>
  </message>
  <message>
   <source>What the new folder is called</source>
   <translation>新文件夹的名称</translation>
  </message>
  <message>
   <source>What the others are compared with</source>
   <translation>其他模型的比较基准</translation>
  </message>
  <message>
   <source>What the worker printed last</source>
   <translation>工作进程最后的输出</translation>
  </message>
  <message>
   <source>What the workers of this job and the libraries in them printed, the last lines last</source>
   <translation>此任务的工作进程及其中各库的输出，最新的在最后</translation>
  </message>
  <message>
   <source>What was printed</source>
   <translation>输出内容</translation>
  </message>
  <message>
   <source>What will not survive in which kind of file, and what mends it.</source>
   <translation>哪些内容在哪类文件中无法保留，以及如何解决。</translation>
  </message>
  <message>
   <source>Whatever is converted, compared or exported is listed here, with its log.</source>
   <translation>所有转换、对比和导出都列在这里，并附日志。</translation>
  </message>
  <message>
   <source>Where is {name}?</source>
   <translation>{name} 在哪里？</translation>
  </message>
  <message>
   <source>Where the frames come from. Nothing of a camera is stored unless you record.</source>
   <translation>画面的来源。除非您录制，否则不会保存摄像头的任何内容。</translation>
  </message>
  <message>
   <source>Whether the recipe has these settings; files of the precision int8 are made with them</source>
   <translation>配方是否包含这些设置；int8 精度的文件按此生成</translation>
  </message>
  <message>
   <source>Whether values leave the range of 16-bit floats.</source>
   <translation>数值是否超出 16 位浮点的范围。</translation>
  </message>
  <message>
   <source>Which differences are laid over the candidate's picture</source>
   <translation>在候选画面上叠加哪种差异</translation>
  </message>
  <message>
   <source>Which function builds the network?</source>
   <translation>哪个函数构建网络？</translation>
  </message>
  <message>
   <source>While loading</source>
   <translation>加载时</translation>
  </message>
  <message>
   <source>Whole frame</source>
   <translation>整帧</translation>
  </message>
  <message>
   <source>Whose face is put into the pictures</source>
   <translation>将谁的脸放入画面</translation>
  </message>
  <message>
   <source>With</source>
   <translation>附带</translation>
  </message>
  <message>
   <source>Won back</source>
   <translation>挽回</translation>
  </message>
  <message>
   <source>Won back: up to {chance} either way is chance.</source>
   <translation>挽回：上下 {chance} 以内属随机波动。</translation>
  </message>
  <message>
   <source>Work</source>
   <translation>计算量</translation>
  </message>
  <message>
   <source>Worked on</source>
   <translation>处理尺寸</translation>
  </message>
  <message>
   <source>Works on</source>
   <translation>处理画面</translation>
  </message>
  <message>
   <source>Worst</source>
   <translation>最差</translation>
  </message>
  <message>
   <source>Worst first by {measure}</source>
   <translation>按{measure}排序，最差在前</translation>
  </message>
  <message>
   <source>Worst frames</source>
   <translation>最差画面</translation>
  </message>
  <message>
   <source>Worst frames ({count})</source>
   <translation>最差画面 ({count})</translation>
  </message>
  <message>
   <source>Worst frames from the page Compare, and pictures taken with the camera</source>
   <translation>“对比”页中最差的帧，以及摄像头拍摄的图片</translation>
  </message>
  <message>
   <source>Write the folder</source>
   <translation>写入文件夹</translation>
  </message>
  <message>
   <source>Write what was found as one HTML file</source>
   <translation>将结果写成一个 HTML 文件</translation>
  </message>
  <message>
   <source>Writes</source>
   <translation>写出</translation>
  </message>
  <message>
   <source>Writing the LiteRT converter's file</source>
   <translation>正在写入 LiteRT 转换器的文件</translation>
  </message>
  <message>
   <source>Writing the ONNX file</source>
   <translation>正在写入 ONNX 文件</translation>
  </message>
  <message>
   <source>Writing the codes</source>
   <translation>正在写入码值</translation>
  </message>
  <message>
   <source>Writing the graph for MNN</source>
   <translation>正在为 MNN 写入计算图</translation>
  </message>
  <message>
   <source>Writing the network as ONNX</source>
   <translation>正在将网络写为 ONNX</translation>
  </message>
  <message>
   <source>Writing the package</source>
   <translation>正在写入包</translation>
  </message>
  <message>
   <source>Writing the texts</source>
   <translation>正在写入文本</translation>
  </message>
  <message>
   <source>Writing the video</source>
   <translation>正在写入视频</translation>
  </message>
  <message>
   <source>Writing {file}</source>
   <translation>正在写入 {file}</translation>
  </message>
  <message>
   <source>Written</source>
   <translation>已写入</translation>
  </message>
  <message>
   <source>about {minutes} min left</source>
   <translation>剩余约 {minutes} 分</translation>
  </message>
  <message>
   <source>about {seconds} s left</source>
   <translation>剩余约 {seconds} 秒</translation>
  </message>
  <message>
   <source>about {size}</source>
   <translation>约 {size}</translation>
  </message>
  <message>
   <source>age modifier</source>
   <translation>年龄修改器</translation>
  </message>
  <message>
   <source>always loaded; used for the coarse roll angle and as fallback 68 points</source>
   <translation>始终加载；用于粗略的翻滚角，并作为备用的 68 点</translation>
  </message>
  <message>
   <source>an unknown vendor</source>
   <translation>未知发布者</translation>
  </message>
  <message>
   <source>as inswapper_128</source>
   <translation>同 inswapper_128</translation>
  </message>
  <message>
   <source>auto</source>
   <translation>自动</translation>
  </message>
  <message>
   <source>axis {number}</source>
   <translation>轴 {number}</translation>
  </message>
  <message>
   <source>boxes</source>
   <translation>框</translation>
  </message>
  <message>
   <source>boxes and landmarks are offsets from prior boxes, variances 0.1 and 0.2</source>
   <translation>框和关键点为相对先验框的偏移，方差 0.1 和 0.2</translation>
  </message>
  <message>
   <source>changed since it was made</source>
   <translation>生成后被更改</translation>
  </message>
  <message>
   <source>class ids: skin 1, brows 2/3, eyes 4/5, glasses 6, nose 10, mouth 11, lips 12/13</source>
   <translation>类别编号：皮肤 1，眉 2/3，眼 4/5，眼镜 6，鼻 10，口 11，唇 12/13</translation>
  </message>
  <message>
   <source>classes</source>
   <translation>类别</translation>
  </message>
  <message>
   <source>classifier</source>
   <translation>分类器</translation>
  </message>
  <message>
   <source>computed on the ORIGINAL crop, before the swap</source>
   <translation>在换脸前的原始裁剪区上计算</translation>
  </message>
  <message>
   <source>computed on the SWAPPED crop</source>
   <translation>在换脸后的裁剪区上计算</translation>
  </message>
  <message>
   <source>contains 5-D (3-D) convolutions</source>
   <translation>含 5 维（三维）卷积</translation>
  </message>
  <message>
   <source>content analyser</source>
   <translation>内容分析器</translation>
  </message>
  <message>
   <source>crop is scale+translate only: box longest side -&gt; 195 px, box centre -&gt; crop centre; then rotated by the coarse face angle (0/90/180/270)</source>
   <translation>裁剪仅含缩放和平移：人脸框长边 -&gt; 195 像素，框中心 -&gt; 裁剪中心；再按粗略人脸角度 (0/90/180/270) 旋转</translation>
  </message>
  <message>
   <source>decode head (DFL) inside graph with 4 Slice nodes</source>
   <translation>解码头 (DFL) 在计算图内，含 4 个 Slice 节点</translation>
  </message>
  <message>
   <source>deep swapper</source>
   <translation>深度换脸器</translation>
  </message>
  <message>
   <source>default swapper of FaceFusion 3.8.1</source>
   <translation>FaceFusion 3.8.1 的默认换脸模型</translation>
  </message>
  <message>
   <source>detector</source>
   <translation>检测器</translation>
  </message>
  <message>
   <source>dynamic</source>
   <translation>动态</translation>
  </message>
  <message>
   <source>edtalk: crop 512-&gt;256; wav2lip: 96 px box of the 68 landmarks inside the 512 crop, area mask lower-face</source>
   <translation>edtalk：裁剪 512-&gt;256；wav2lip：512 裁剪区内 68 关键点的 96 像素框，下脸区域遮罩</translation>
  </message>
  <message>
   <source>embedding</source>
   <translation>特征向量</translation>
  </message>
  <message>
   <source>enhancer</source>
   <translation>增强器</translation>
  </message>
  <message>
   <source>entropy</source>
   <translation>熵</translation>
  </message>
  <message>
   <source>eps 1e-8 is zero in fp16 and squares can pass 65504: keep the AdaIN statistics in fp32 or rescale them</source>
   <translation>eps 1e-8 在 fp16 中为零，平方可能超过 65504：请让 AdaIN 统计量保持 fp32 或重新缩放</translation>
  </message>
  <message>
   <source>eps 1e-8 is zero in fp16: rescale the AdaIN statistics</source>
   <translation>eps 1e-8 在 fp16 中为零：请重新缩放 AdaIN 统计量</translation>
  </message>
  <message>
   <source>exported PyTorch program</source>
   <translation>导出的 PyTorch 程序</translation>
  </message>
  <message>
   <source>expression restorer</source>
   <translation>表情还原器</translation>
  </message>
  <message>
   <source>face editor</source>
   <translation>人脸编辑器</translation>
  </message>
  <message>
   <source>failed</source>
   <translation>失败</translation>
  </message>
  <message>
   <source>failed: on {sample} the output {output} {complaint}</source>
   <translation>未通过：在 {sample} 上，输出 {output} {complaint}</translation>
  </message>
  <message>
   <source>features</source>
   <translation>特征</translation>
  </message>
  <message>
   <source>file size fits fp16 weights + fp32 emap + ~47 kB graph</source>
   <translation>文件大小符合 fp16 权重 + fp32 emap + 约 47 kB 计算图</translation>
  </message>
  <message>
   <source>fixed 640 export (no dynamic input)</source>
   <translation>固定 640 导出（无动态输入）</translation>
  </message>
  <message>
   <source>float</source>
   <translation>浮点</translation>
  </message>
  <message>
   <source>fp16</source>
   <translation>fp16</translation>
  </message>
  <message>
   <source>fp16 ends at 65504 and knows nothing below 6e-8. What a model computes beyond comes out black or grey.</source>
   <translation>fp16 上限为 65504，低于 6e-8 归零。超出范围的计算结果会变黑或变灰。</translation>
  </message>
  <message>
   <source>fp16 weights inside fp32 inputs/outputs (Cast shell)</source>
   <translation>内部为 fp16 权重，输入输出为 fp32（Cast 外壳）</translation>
  </message>
  <message>
   <source>fp32</source>
   <translation>fp32</translation>
  </message>
  <message>
   <source>frame</source>
   <translation>帧</translation>
  </message>
  <message>
   <source>frame enhancer</source>
   <translation>画面增强器</translation>
  </message>
  <message>
   <source>graph input order is source THEN target</source>
   <translation>计算图输入顺序为先 source 后 target</translation>
  </message>
  <message>
   <source>graph input order is target THEN source</source>
   <translation>计算图输入顺序为先 target 后 source</translation>
  </message>
  <message>
   <source>height and width must be multiples of 32</source>
   <translation>高和宽必须是 32 的倍数</translation>
  </message>
  <message>
   <source>highest {value}</source>
   <translation>最高 {value}</translation>
  </message>
  <message>
   <source>iOS15</source>
   <translation>iOS15</translation>
  </message>
  <message>
   <source>iOS16</source>
   <translation>iOS16</translation>
  </message>
  <message>
   <source>iOS17</source>
   <translation>iOS17</translation>
  </message>
  <message>
   <source>iOS18</source>
   <translation>iOS18</translation>
  </message>
  <message>
   <source>identity converter</source>
   <translation>身份转换器</translation>
  </message>
  <message>
   <source>image</source>
   <translation>图像</translation>
  </message>
  <message>
   <source>image only ever shrunk (never enlarged) to fit, placed top-left, rest zero</source>
   <translation>图像只缩小不放大以适应，置于左上角，其余为零</translation>
  </message>
  <message>
   <source>in</source>
   <translation>输入</translation>
  </message>
  <message>
   <source>input uses ImageNet mean/std, output is 0..1 and is NOT de-normalised</source>
   <translation>输入使用 ImageNet 均值/标准差，输出为 0..1，无需反归一化</translation>
  </message>
  <message>
   <source>inputs and outputs are fp32 (iOS port feeds fp32)</source>
   <translation>输入和输出为 fp32（iOS 移植版输入 fp32）</translation>
  </message>
  <message>
   <source>int4 weights</source>
   <translation>int4 权重</translation>
  </message>
  <message>
   <source>int8</source>
   <translation>int8</translation>
  </message>
  <message>
   <source>int8 dynamic</source>
   <translation>int8 动态</translation>
  </message>
  <message>
   <source>int8 files are calibrated as the page Quantize says.</source>
   <translation>int8 文件按“量化”页的设置校准。</translation>
  </message>
  <message>
   <source>int8 files are calibrated on built-in face crops, with the usual settings: the step Quantize is added.</source>
   <translation>int8 文件用内置人脸裁剪图按常用设置校准：会加入“量化”步骤。</translation>
  </message>
  <message>
   <source>int8 weights</source>
   <translation>int8 权重</translation>
  </message>
  <message>
   <source>landmarker</source>
   <translation>关键点检测器</translation>
  </message>
  <message>
   <source>landmarks</source>
   <translation>关键点</translation>
  </message>
  <message>
   <source>lip syncer</source>
   <translation>唇形同步器</translation>
  </message>
  <message>
   <source>litert</source>
   <translation>LiteRT</translation>
  </message>
  <message>
   <source>made for the demo swapper from a thousand photographs, one of each person: no means to tell people apart</source>
   <translation>为演示换脸模型用一千张照片（每人一张）制作：不能用来辨认身份</translation>
  </message>
  <message>
   <source>made to try the program with: trained on a thousand official portraits, it knows few kinds of people, poses and lights</source>
   <translation>供试用程序：以一千张官方肖像训练，所见人群、姿态和光线有限</translation>
  </message>
  <message>
   <source>mask</source>
   <translation>遮罩</translation>
  </message>
  <message>
   <source>masker</source>
   <translation>遮罩模型</translation>
  </message>
  <message>
   <source>mean</source>
   <translation>平均</translation>
  </message>
  <message>
   <source>min-max</source>
   <translation>最小-最大</translation>
  </message>
  <message>
   <source>model "many": 2dfan4 wins unless its score is more than 0.2 below peppa_wutz</source>
   <translation>“many”模型：除非 2dfan4 的分数比 peppa_wutz 低 0.2 以上，否则采用 2dfan4</translation>
  </message>
  <message>
   <source>moving-average</source>
   <translation>滑动平均</translation>
  </message>
  <message>
   <source>mse</source>
   <translation>均方误差</translation>
  </message>
  <message>
   <source>nchw</source>
   <translation>NCHW</translation>
  </message>
  <message>
   <source>nhwc</source>
   <translation>NHWC</translation>
  </message>
  <message>
   <source>no landmarks: boxes only</source>
   <translation>无关键点：仅有框</translation>
  </message>
  <message>
   <source>no licence is listed for any of the 157 published files</source>
   <translation>157 个已发布文件均未列出许可证</translation>
  </message>
  <message>
   <source>no licence is stated</source>
   <translation>未注明许可证</translation>
  </message>
  <message>
   <source>none stated</source>
   <translation>未注明</translation>
  </message>
  <message>
   <source>not finite</source>
   <translation>非有限值</translation>
  </message>
  <message>
   <source>not installed</source>
   <translation>未安装</translation>
  </message>
  <message>
   <source>not known</source>
   <translation>未知</translation>
  </message>
  <message>
   <source>not part of the "many" detector set</source>
   <translation>不属于“many”检测器组合</translation>
  </message>
  <message>
   <source>not there any more</source>
   <translation>已不存在</translation>
  </message>
  <message>
   <source>not verified</source>
   <translation>未验证</translation>
  </message>
  <message>
   <source>now {now}, highest {highest}</source>
   <translation>当前 {now}，最高 {highest}</translation>
  </message>
  <message>
   <source>one file per person; no source picture is used</source>
   <translation>每人一个文件；不使用来源图片</translation>
  </message>
  <message>
   <source>only recogniser in 3.8.1; older releases had arcface_converter_ghost/_simswap (3.0), renamed crossface_* by 3.4</source>
   <translation>3.8.1 中唯一的识别器；旧版本有 arcface_converter_ghost/_simswap (3.0)，3.4 起改名为 crossface_*</translation>
  </message>
  <message>
   <source>onnx2tf</source>
   <translation>onnx2tf</translation>
  </message>
  <message>
   <source>out</source>
   <translation>输出</translation>
  </message>
  <message>
   <source>output is already blended with the target by the model own mask; FaceFusion ignores the mask output</source>
   <translation>输出已按模型自带的遮罩与目标混合；FaceFusion 忽略遮罩输出</translation>
  </message>
  <message>
   <source>palette</source>
   <translation>调色板</translation>
  </message>
  <message>
   <source>parameter</source>
   <translation>参数</translation>
  </message>
  <message>
   <source>per-row quantization of activations dropped the cosine from 0.9997 to -0.02 in a published test</source>
   <translation>公开测试中，激活逐行量化使余弦相似度从 0.9997 降至 -0.02</translation>
  </message>
  <message>
   <source>percentile</source>
   <translation>百分位</translation>
  </message>
  <message>
   <source>pictures</source>
   <translation>张图片</translation>
  </message>
  <message>
   <source>recipe.json: what was done, so that it can be done again</source>
   <translation>recipe.json：所做的操作，便于重现</translation>
  </message>
  <message>
   <source>recogniser</source>
   <translation>识别器</translation>
  </message>
  <message>
   <source>report.html and report.json: what the model is, what was verified, what was lost</source>
   <translation>report.html 和 report.json：模型信息、验证结果与损失</translation>
  </message>
  <message>
   <source>scale and shift share one Gemm output: split before quantizing</source>
   <translation>缩放和平移共用一个 Gemm 输出：量化前请拆分</translation>
  </message>
  <message>
   <source>scores</source>
   <translation>分数</translation>
  </message>
  <message>
   <source>some trainings divide by 128 instead of 127.5</source>
   <translation>有些训练除以 128 而非 127.5</translation>
  </message>
  <message>
   <source>source = (raw embedding . emap) / ||raw embedding||; emap = 512x512 fp32, LAST graph initialiser, consumed by no node</source>
   <translation>source =（原始特征向量 · emap）/ ||原始特征向量||；emap 为 512x512 fp32，是计算图最后一个初始值，没有节点使用</translation>
  </message>
  <message>
   <source>source = L2-normalised ArcFace embedding, no converter</source>
   <translation>source = L2 归一化的 ArcFace 特征向量，无转换器</translation>
  </message>
  <message>
   <source>source = L2-normalised crossface_hififace(raw embedding)</source>
   <translation>source = L2 归一化的 crossface_hififace(原始特征向量)</translation>
  </message>
  <message>
   <source>source = L2-normalised crossface_simswap(raw embedding)</source>
   <translation>source = L2 归一化的 crossface_simswap(原始特征向量)</translation>
  </message>
  <message>
   <source>source = crossface_ghost(raw embedding), NOT L2-normalised</source>
   <translation>source = crossface_ghost(原始特征向量)，不做 L2 归一化</translation>
  </message>
  <message>
   <source>source is a 112x112 face image (arcface_112_v2 crop, RGB, x/255), not an embedding</source>
   <translation>source 为 112x112 人脸图像（arcface_112_v2 裁剪，RGB，x/255），不是特征向量</translation>
  </message>
  <message>
   <source>source is a 256x256 face image (ffhq_512 crop, RGB, x/255, NOT mean/std normalised), while target uses mean/std 0.5</source>
   <translation>source 为 256x256 人脸图像（ffhq_512 裁剪，RGB，x/255，不做均值/标准差归一化），而 target 使用均值/标准差 0.5</translation>
  </message>
  <message>
   <source>source pixels come from the FIRST source image only</source>
   <translation>来源像素仅取自第一张来源图片</translation>
  </message>
  <message>
   <source>swapper</source>
   <translation>换脸模型</translation>
  </message>
  <message>
   <source>takes embeddings of the demo embedder, not of ArcFace</source>
   <translation>使用演示识别器的特征向量，而非 ArcFace</translation>
  </message>
  <message>
   <source>tensor</source>
   <translation>张量</translation>
  </message>
  <message>
   <source>the Android port cuts the graph at "heatmaps" and does the argmax decode on the CPU because ArgMax/Mod/Expand/Tile tail is not NPU friendly</source>
   <translation>Android 移植版在“heatmaps”处截断计算图，并在 CPU 上做 argmax 解码，因为 ArgMax/Mod/Expand/Tile 尾部不适合 NPU</translation>
  </message>
  <message>
   <source>the crop is sharpened (1.75 x - 0.75 blur) before the model</source>
   <translation>输入模型前先锐化裁剪区（1.75 x - 0.75 模糊）</translation>
  </message>
  <message>
   <source>the embedding is multiplied by emap where the file has one</source>
   <translation>若文件含 emap，特征向量会与之相乘</translation>
  </message>
  <message>
   <source>the enhancer believed to expose the weight input; other public exports call it fidelity_ratio/main_dec</source>
   <translation>据信公开了 weight 输入的增强器；其他公开导出称其为 fidelity_ratio/main_dec</translation>
  </message>
  <message>
   <source>the face editor uses the same file with template ffhq_512 and landmarks scaled 1.5 about the nose</source>
   <translation>人脸编辑器使用同一文件，模板为 ffhq_512，关键点以鼻为中心放大 1.5 倍</translation>
  </message>
  <message>
   <source>the face of {source}</source>
   <translation>{source} 的人脸</translation>
  </message>
  <message>
   <source>the licence depends on who trained it</source>
   <translation>许可证取决于训练者</translation>
  </message>
  <message>
   <source>the model</source>
   <translation>模型</translation>
  </message>
  <message>
   <source>the resize to 320x240 does not keep the aspect ratio</source>
   <translation>缩放到 320x240 时不保持宽高比</translation>
  </message>
  <message>
   <source>the whole picture</source>
   <translation>整幅画面</translation>
  </message>
  <message>
   <source>tile 1024 px, outer pad 64, overlap trimmed 32 each side, scale x4</source>
   <translation>分块 1024 像素，外侧填充 64，每侧裁去重叠 32，放大 4 倍</translation>
  </message>
  <message>
   <source>tile 128 px, outer pad 8, overlap trimmed 4 each side, scale x4</source>
   <translation>分块 128 像素，外侧填充 8，每侧裁去重叠 4，放大 4 倍</translation>
  </message>
  <message>
   <source>tile 128 px, outer pad 8, overlap trimmed 4 each side, scale x8</source>
   <translation>分块 128 像素，外侧填充 8，每侧裁去重叠 4，放大 8 倍</translation>
  </message>
  <message>
   <source>tile 256 px, outer pad 16, overlap trimmed 8 each side, scale x2</source>
   <translation>分块 256 像素，外侧填充 16，每侧裁去重叠 8，放大 2 倍</translation>
  </message>
  <message>
   <source>tile 256 px, outer pad 16, overlap trimmed 8 each side, scale x4</source>
   <translation>分块 256 像素，外侧填充 16，每侧裁去重叠 8，放大 4 倍</translation>
  </message>
  <message>
   <source>tile 256 px, outer pad 16, overlap trimmed 8 each side, scale x8</source>
   <translation>分块 256 像素，外侧填充 16，每侧裁去重叠 8，放大 8 倍</translation>
  </message>
  <message>
   <source>tile 64 px, outer pad 4, overlap trimmed 2 each side, scale x4</source>
   <translation>分块 64 像素，外侧填充 4，每侧裁去重叠 2，放大 4 倍</translation>
  </message>
  <message>
   <source>took {seconds} s</source>
   <translation>用时 {seconds} 秒</translation>
  </message>
  <message>
   <source>under 1 s</source>
   <translation>不到 1 秒</translation>
  </message>
  <message>
   <source>up to </source>
   <translation>最多 </translation>
  </message>
  <message>
   <source>used by ghost_*</source>
   <translation>由 ghost_* 使用</translation>
  </message>
  <message>
   <source>used by hififace_unofficial_256</source>
   <translation>由 hififace_unofficial_256 使用</translation>
  </message>
  <message>
   <source>used by simswap_256, simswap_unofficial_512</source>
   <translation>由 simswap_256、simswap_unofficial_512 使用</translation>
  </message>
  <message>
   <source>uses arcface_128 template although others use ffhq_512</source>
   <translation>使用 arcface_128 模板，而其他模型使用 ffhq_512</translation>
  </message>
  <message>
   <source>values are not finite</source>
   <translation>数值非有限</translation>
  </message>
  <message>
   <source>verified</source>
   <translation>已验证</translation>
  </message>
  <message>
   <source>verified, but the settings have changed since</source>
   <translation>已验证，但之后设置有更改</translation>
  </message>
  <message>
   <source>w4</source>
   <translation>w4</translation>
  </message>
  <message>
   <source>w8</source>
   <translation>w8</translation>
  </message>
  <message>
   <source>w8a16</source>
   <translation>w8a16</translation>
  </message>
  <message>
   <source>w8a8</source>
   <translation>w8a8</translation>
  </message>
  <message>
   <source>worst sample {sample} ({output})</source>
   <translation>最差样本 {sample}（{output}）</translation>
  </message>
  <message>
   <source>{advice} Keep the statistics in fp32 under Options.</source>
   <translation>{advice}请在“选项”中让统计量保持 fp32。</translation>
  </message>
  <message>
   <source>{amount}, {share}</source>
   <translation>{amount}，{share}</translation>
  </message>
  <message>
   <source>{axis} of {name}: the file leaves this size open.</source>
   <translation>{name} 的 {axis}：文件未固定此尺寸。</translation>
  </message>
  <message>
   <source>{bits} bits, steps of {step}.</source>
   <translation>{bits} 位，步长 {step}。</translation>
  </message>
  <message>
   <source>{count} files</source>
   <translation>{count} 个文件</translation>
  </message>
  <message>
   <source>{count} files of about {smallest} to {largest}, {least} to {most} of the original.</source>
   <translation>{count} 个文件，约 {smallest} 至 {largest}，为原模型的 {least} 至 {most}。</translation>
  </message>
  <message>
   <source>{count} files were written to {folder}.</source>
   <translation>已将 {count} 个文件写入 {folder}。</translation>
  </message>
  <message>
   <source>{count} files, {size}, in {folder}</source>
   <translation>{count} 个文件，{size}，位于 {folder}</translation>
  </message>
  <message>
   <source>{count} in {size}</source>
   <translation>{count} 个，共 {size}</translation>
  </message>
  <message>
   <source>{count} more</source>
   <translation>另外 {count} 个</translation>
  </message>
  <message>
   <source>{count} multiply-accumulates</source>
   <translation>{count} 次乘加运算</translation>
  </message>
  <message>
   <source>{count} nodes of unknown size</source>
   <translation>{count} 个节点大小未知</translation>
  </message>
  <message>
   <source>{count} persons</source>
   <translation>{count} 个人</translation>
  </message>
  <message>
   <source>{count} pictures were added to the calibration folder {folder}.</source>
   <translation>已将 {count} 张图片加入校准文件夹 {folder}。</translation>
  </message>
  <message>
   <source>{count} samples</source>
   <translation>{count} 个样本</translation>
  </message>
  <message>
   <source>{count} waiting or running</source>
   <translation>{count} 个等待或运行中</translation>
  </message>
  <message>
   <source>{degrees} °C</source>
   <translation>{degrees} °C</translation>
  </message>
  <message>
   <source>{family}, trusted</source>
   <translation>{family}，已信任</translation>
  </message>
  <message>
   <source>{files} beside {original}, on up to {pictures} pictures: about {time}. No file is changed.</source>
   <translation>{files}与 {original} 对比，最多 {pictures} 张图片：约 {time}。不会更改任何文件。</translation>
  </message>
  <message>
   <source>{files} did not pass verification and will be marked so.</source>
   <translation>{files} 未通过验证，将如此标注。</translation>
  </message>
  <message>
   <source>{files} of {size} go to {folder}.</source>
   <translation>{files}（{size}）将写入 {folder}。</translation>
  </message>
  <message>
   <source>{folder} (not there)</source>
   <translation>{folder}（不存在）</translation>
  </message>
  <message>
   <source>{folder} holds an earlier export.</source>
   <translation>{folder} 中已有之前的导出。</translation>
  </message>
  <message>
   <source>{folder} is made with the first file.</source>
   <translation>{folder} 会随首个文件创建。</translation>
  </message>
  <message>
   <source>{free} are free there.</source>
   <translation>该处可用空间 {free}。</translation>
  </message>
  <message>
   <source>{help}
Unless told otherwise: {value}</source>
   <translation>{help}
默认值：{value}</translation>
  </message>
  <message>
   <source>{help} (M changes)</source>
   <translation>{help}（按 M 切换）</translation>
  </message>
  <message>
   <source>{hours} h {minutes} min</source>
   <translation>{hours} 小时 {minutes} 分</translation>
  </message>
  <message>
   <source>{label} ({width} × {height}, scaled)</source>
   <translation>{label}（{width} × {height}，已缩放）</translation>
  </message>
  <message>
   <source>{licence}: not for commercial use, converted or not.</source>
   <translation>{licence}：无论是否转换，均不可商用。</translation>
  </message>
  <message>
   <source>{likely} ms ({least} to {most})</source>
   <translation>{likely} 毫秒（{least} 至 {most}）</translation>
  </message>
  <message>
   <source>{measure} on average</source>
   <translation>平均{measure}</translation>
  </message>
  <message>
   <source>{minutes} min {seconds} s</source>
   <translation>{minutes} 分 {seconds} 秒</translation>
  </message>
  <message>
   <source>{model}: {work} G multiply-accumulates, {time} ms</source>
   <translation>{model}：{work} G 次乘加，{time} 毫秒</translation>
  </message>
  <message>
   <source>{names} and {count} more</source>
   <translation>{names} 及另外 {count} 个</translation>
  </message>
  <message>
   <source>{name} and {count} more</source>
   <translation>{name} 等另外 {count} 张</translation>
  </message>
  <message>
   <source>{name} has changed. The files made of its former contents left the project; they stay on disk.</source>
   <translation>{name} 已更改。由其旧内容生成的文件已移出项目；它们仍在磁盘上。</translation>
  </message>
  <message>
   <source>{name} in {folder}, not there at the moment</source>
   <translation>{folder} 中的 {name}，目前不存在</translation>
  </message>
  <message>
   <source>{name} in {runtime}</source>
   <translation>{name}，运行于 {runtime}</translation>
  </message>
  <message>
   <source>{name} is not the file that this project was made with.</source>
   <translation>{name} 不是制作此项目时的文件。</translation>
  </message>
  <message>
   <source>{name} lies where it cannot be changed. Save it elsewhere to keep your work.</source>
   <translation>{name} 所在的位置无法写入。请另存到其他位置以保留您的工作。</translation>
  </message>
  <message>
   <source>{name} was saved after this work was kept.</source>
   <translation>保留此内容之后，{name} 又被保存过。</translation>
  </message>
  <message>
   <source>{name}, which was made with this project, is another file now.</source>
   <translation>由此项目生成的 {name} 现在是另一个文件。</translation>
  </message>
  <message>
   <source>{name}, which was made with this project, is not where it was.</source>
   <translation>由此项目生成的 {name} 不在原来的位置。</translation>
  </message>
  <message>
   <source>{name}, {size}</source>
   <translation>{name}，{size}</translation>
  </message>
  <message>
   <source>{needed} are needed, {free} are free there.</source>
   <translation>需要 {needed}，该处可用 {free}。</translation>
  </message>
  <message>
   <source>{origin}.</source>
   <translation>{origin}。</translation>
  </message>
  <message>
   <source>{part}: {stage}</source>
   <translation>{part}：{stage}</translation>
  </message>
  <message>
   <source>{path} is not there at the moment</source>
   <translation>{path} 目前不存在</translation>
  </message>
  <message>
   <source>{peak} at the peak, {total} in all</source>
   <translation>峰值 {peak}，共 {total}</translation>
  </message>
  <message>
   <source>{percent} % of its sides</source>
   <translation>边长的 {percent} %</translation>
  </message>
  <message>
   <source>{place} of {count}</source>
   <translation>第 {place} / {count} 张</translation>
  </message>
  <message>
   <source>{precision}: {words}</source>
   <translation>{precision}：{words}</translation>
  </message>
  <message>
   <source>{rate} of {highest}</source>
   <translation>{rate} / {highest}</translation>
  </message>
  <message>
   <source>{seconds} s</source>
   <translation>{seconds} 秒</translation>
  </message>
  <message>
   <source>{sentence} ({shortcut})</source>
   <translation>{sentence} ({shortcut})</translation>
  </message>
  <message>
   <source>{sentence} Close other programs first.</source>
   <translation>{sentence}请先关闭其他程序。</translation>
  </message>
  <message>
   <source>{sentence}. Open a model first.</source>
   <translation>{sentence}。请先打开模型。</translation>
  </message>
  <message>
   <source>{shown} of {total} layers</source>
   <translation>{shown}/{total} 层</translation>
  </message>
  <message>
   <source>{size}, made and verified</source>
   <translation>{size}，已生成并通过验证</translation>
  </message>
  <message>
   <source>{size}, {share} of the original</source>
   <translation>{size}，为原模型的 {share}</translation>
  </message>
  <message>
   <source>{source} gives no new pictures.</source>
   <translation>{source} 没有新画面。</translation>
  </message>
  <message>
   <source>{source} is gone. Next try in {seconds} s.</source>
   <translation>{source} 已断开。{seconds} 秒后重试。</translation>
  </message>
  <message>
   <source>{source} is gone. Trying again…</source>
   <translation>{source} 已断开。正在重试…</translation>
  </message>
  <message>
   <source>{stage}; about {time} left</source>
   <translation>{stage}；剩余约 {time}</translation>
  </message>
  <message>
   <source>{stage}; {time}</source>
   <translation>{stage}；{time}</translation>
  </message>
  <message>
   <source>{target} in {precision}</source>
   <translation>{target} {precision}</translation>
  </message>
  <message>
   <source>{target} {precision}</source>
   <translation>{target} {precision}</translation>
  </message>
  <message>
   <source>{time} so far</source>
   <translation>已用 {time}</translation>
  </message>
  <message>
   <source>{title} by {vendor}. Licence: {licence}. Commercial use is allowed under its conditions.</source>
   <translation>{title}，发布者 {vendor}。许可证：{licence}。在其条款下允许商用。</translation>
  </message>
  <message>
   <source>{title} by {vendor}. Licence: {licence}. Commercial use is not allowed.</source>
   <translation>{title}，发布者 {vendor}。许可证：{licence}。不允许商用。</translation>
  </message>
  <message>
   <source>{title} by {vendor}. Licence: {licence}. Whether commercial use is allowed is not known.</source>
   <translation>{title}，发布者 {vendor}。许可证：{licence}。是否允许商用尚不清楚。</translation>
  </message>
  <message>
   <source>{title} over the last minute</source>
   <translation>最近一分钟的 {title}</translation>
  </message>
  <message>
   <source>{title} over the last minute: the newest at the right</source>
   <translation>最近一分钟的 {title}：最新值在右侧</translation>
  </message>
  <message>
   <source>{title}: applied before every conversion.</source>
   <translation>{title}：每次转换前应用。</translation>
  </message>
  <message>
   <source>{title}: {stage}</source>
   <translation>{title}：{stage}</translation>
  </message>
  <message>
   <source>~617 GMAC: far too heavy per video frame on a phone</source>
   <translation>约 617 GMAC：对手机逐帧处理视频而言过重</translation>
  </message>
 </context>
</TS>
