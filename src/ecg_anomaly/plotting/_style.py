"""Colours and lengths that all figures share."""

from __future__ import annotations

from matplotlib.colors import LinearSegmentedColormap

MM_PER_INCH = 25.4

#: Okabe and Ito's colours that keep a contrast of 3:1 to white paper.
BLACK, BLUE, VERMILLION, GREEN, PURPLE = "#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7"
GREY = "#595959"

# Equal steps in OKLab. Its dark end stays so light that black and blue traces keep a contrast of
# 3:1 on it, which neither cividis nor viridis allow; yellow against white is seen with every kind
# of colour blindness, since lightness falls all the way.
ANOMALY_COLOURS = (
    "#ffffff", "#fffde7", "#fff9cd", "#fff4b2", "#ffec97", "#ffe27c", "#ffd663", "#ffc94f",
    "#ffbc42",
)  # fmt: skip


def anomaly_colormap() -> LinearSegmentedColormap:
    """Return the colours of anomaly maps, white where there is nothing."""
    return LinearSegmentedColormap.from_list("ecg_anomaly", ANOMALY_COLOURS)
