"""Spans: found where a map is high, and called what a reader would call them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ecg_anomaly.inspection._spans import lead_words, time_words, top_spans
from ecg_anomaly.leads import STANDARD_LEADS

PEAKS = np.array([100, 200, 300])


def test_the_largest_comes_first():
    values = np.zeros((12, 400))
    values[7:10, 135:148] = 1.0
    values[1, 310:330] = 0.5
    first, second = top_spans(values, 100.0, STANDARD_LEADS, PEAKS, 5)
    assert first.name == "V2-V4, 0.35-0.48 s after R at 1.00 s"
    assert (first.rows, first.start, first.stop) == ((7, 8, 9), 135, 148)
    assert second.name == "II, 0.10-0.30 s after R at 3.00 s"
    np.testing.assert_allclose(first.share + second.share, 1.0)
    assert str(first) == "V2-V4, 0.35-0.48 s after R at 1.00 s (80 %)"
    assert len(top_spans(values, 100.0, STANDARD_LEADS, PEAKS, 1)) == 1


def test_negative_parts_do_not_count():
    values = -np.ones((2, 100))
    assert top_spans(values, 100.0, ("I", "II"), PEAKS, 3) == []
    values[0, 50] = 1.0
    (span,) = top_spans(values, 100.0, ("I", "II"), PEAKS, 3)
    assert span.leads == ("I",)
    assert span.start <= 50 < span.stop
    assert span.stop - span.start == 8


@pytest.mark.parametrize(
    ("leads", "words"),
    [
        (["V1"], "V1"),
        (["V1", "V2"], "V1, V2"),
        (["V1", "V2", "V3", "V5", "V6"], "V1-V3, V5, V6"),
        (["I", "aVL", "V4", "V5", "V6"], "I, aVL, V4-V6"),
        (["MLII", "V1", "lead1"], "MLII, V1, lead1"),
    ],
)
def test_leads_in_words(leads, words):
    assert lead_words(leads) == words


@pytest.mark.parametrize(
    ("start", "stop", "words"),
    [
        (135, 148, "0.35-0.48 s after R at 1.00 s"),
        (97, 105, "0.03 s before to 0.05 s after R at 1.00 s"),
        (182, 190, "0.18-0.10 s before R at 2.00 s"),
        (10, 20, "0.90-0.80 s before R at 1.00 s"),
        (350, 380, "0.50-0.80 s after R at 3.00 s"),
    ],
)
def test_times_in_words(start, stop, words):
    assert time_words(start, stop, 100.0, PEAKS) == words
    assert time_words(start, stop, 100.0, np.array([])) == f"{start / 100:.2f}-{stop / 100:.2f} s"


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float64, (3, 120), elements=st.floats(-1, 1, allow_subnormal=False)),
    st.sampled_from([50.0, 100.0, 250.0]),
)
def test_spans_are_within_the_record_and_share_it(values, fs):
    spans = top_spans(values, fs, ("I", "II", "V2"), np.array([20, 90]), 4)
    seen = np.zeros(values.shape, bool)
    for span in spans:
        assert 0 <= span.start < span.stop <= 120
        assert span.stop - span.start <= max(1, round(0.4 * fs))
        assert set(span.rows) <= {0, 1, 2}
        seen[list(span.rows), span.start : span.stop] = True
    assert sum(span.share for span in spans) <= 1 + 1e-9
    assert [s.share for s in spans] == sorted((s.share for s in spans), reverse=True)
    if len(spans) and (values > 0).any():
        assert seen[np.unravel_index(values.argmax(), values.shape)] or len(spans) == 4
