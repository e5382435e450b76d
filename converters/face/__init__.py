"""The face pipeline around any model: detect, landmarks, align, embed, swap, mask, blend, enhance, track."""
