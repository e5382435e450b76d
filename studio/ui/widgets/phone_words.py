"""What the window says of a simulated phone: units, states, figures with their sources, assumptions."""

from __future__ import annotations

from converters.preview.messages import PhoneReport
from converters.preview.phone.profiles import DeviceProfile, Unit
from studio.ui.texts import tr


def unit_title(unit: Unit) -> str:
    """Return the name of a unit."""
    match unit:
        case Unit.CPU:
            return tr("CPU")
        case Unit.GPU:
            return tr("Graphics unit")
        case Unit.NPU:
            return tr("Neural unit")


def basis_title(basis: str) -> str:
    """Return the name of a precision that published runs computed in."""
    titles = {"fp32": tr("32-bit floats"), "fp16": tr("16-bit floats"), "int8": tr("8-bit integers")}
    return titles.get(basis, basis)


def time_words(report: PhoneReport) -> str:
    """Return how long one run of the candidate would take, and how far published runs lie apart."""
    return tr(
        "{likely} ms ({least} to {most})",
        likely=_short(report.milliseconds),
        least=_short(report.least),
        most=_short(report.most),
    )


def time_tip(report: PhoneReport, profile: DeviceProfile) -> str:
    """Return what the time rests on."""
    unit = next(item for item in profile.units if item.unit == report.unit)
    runs = [run for run in unit.runs if run.precision == report.basis]
    return "\n".join(
        [
            tr(
                "Simulated: worked out from the work of this model and {count} published runs of other models on the "
                "{phone} ({unit}), in {basis}. The numbers in brackets say how far those runs lie apart; a model of "
                "another kind may be further off.",
                count=len(runs),
                phone=profile.title,
                unit=unit.title,
                basis=basis_title(report.basis),
            ),
            *(
                tr(
                    "{model}: {work} G multiply-accumulates, {time} ms",
                    model=run.model,
                    work=f"{run.gmacs:g}",
                    time=f"{run.milliseconds:g}",
                )
                for run in runs
            ),
        ]
    )


def state_words(report: PhoneReport, gives_way: bool) -> tuple[str, str]:
    """Return a sentence about the phone, and the role of the label that says it."""
    if report.is_slower_here:
        return tr("This computer is slower than the phone would be: what you see is slower, too."), "warning"
    if report.is_throttling:
        return tr("Too warm: the app shows fewer frames, of a smaller picture."), "warning"
    if not gives_way:
        return tr("The app goes on at full speed, however warm the phone becomes."), "caption"
    return tr("Cool enough for full speed."), "caption"


def source_words(profile: DeviceProfile) -> str:
    """Return every figure's source, how far the figures go and what is taken to be so, in paragraphs."""
    parts = [
        tr(
            "This program measured none of this. Times of your model are worked out from published runs of other "
            "models."
        ),
    ]
    if profile.memory is not None:
        parts.append(tr("Memory of the {phone}: {size} GB.", phone=profile.title, size=f"{profile.memory[0]:g}"))
    parts.append(tr("Warming as published of the {phone}.", phone=profile.thermal.measured_on))
    words = assumption_words()
    taken = [f"- {words.get(item.identity, item.text)}" for item in profile.assumptions]
    parts.append("\n".join([tr("Assumptions, where no source says it:"), *taken]))
    cited = [f"{source.title}\n{source.address}\n{source.read}" for source in profile.sources]
    return "\n\n".join([*parts, tr("Sources:"), *cited])


def assumption_words() -> dict[str, str]:
    """Return the sentence of each assumption of the table, by its id."""
    return {
        "siblings": tr(
            "Warming was measured on one phone of each maker; the maker's other phones are taken to warm alike."
        ),
        "thresholds": tr(
            "The temperatures from which the app gives way are the Pixel 8's; no other maker's were found."
        ),
        "steps": tr(
            "How far the app gives way at each of them (24 and 15 frames a second, three quarters and half of the "
            "sides) is this program's choice."
        ),
        "rest": tr(
            "Camera, finding faces and drawing together are taken to cost a quarter of the heat of full load, at 30 "
            "frames a second of the whole frame."
        ),
        "units": tr(
            "A busy CPU, GPU or neural unit is taken to heat as much as the graphics test did; a neural unit may "
            "heat less."
        ),
        "share": tr(
            "Under a stress test a phone is taken to make heat in proportion to its points: the iPhone 15 Pro as the "
            "15 Pro Max, the Pixel 7 Pro as the Pixel 8, and the Pixel 7 Pro is taken for the one that stayed 6 "
            "degrees cooler."
        ),
        "start": tr("For the time constant, that test is taken to have begun at 25 degrees."),
    }


def _short(milliseconds: float) -> str:
    """Return a time in as many digits as it deserves."""
    return f"{milliseconds:.0f}" if milliseconds >= 9.95 else f"{milliseconds:.1f}"
