import io

import numpy as np
import pytest


@pytest.fixture
def scored():
    """Return labels and scores, higher = more normal."""

    def make(n=400, seed=0):
        rng = np.random.default_rng(seed)
        y = np.where(rng.random(n) < 0.3, -1, 1)
        return y, y + rng.normal(size=n)

    return make


@pytest.fixture
def words():
    """Return the texts of a figure's legend."""

    def read(figure):
        return [text.get_text() for text in figure.legends[0].get_texts()]

    return read


@pytest.fixture
def fits():
    """Draw a figure, and tell whether nothing lies beyond it or over its axes."""

    def check(figure):
        figure.savefig(io.BytesIO(), format="png", dpi=50)
        figure.draw_without_rendering()
        whole = figure.bbox
        boxes = [axes.get_tightbbox() for axes in figure.axes]
        for legend in figure.legends:
            box = legend.get_window_extent()
            if any(box.overlaps(axes.get_window_extent()) for axes in figure.axes):
                return False
            boxes.append(box)
        return all(
            box.x0 >= -1 and box.y0 >= -1 and box.x1 <= whole.x1 + 1 and box.y1 <= whole.y1 + 1
            for box in boxes
        )

    return check
