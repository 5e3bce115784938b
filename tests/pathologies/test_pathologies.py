"""What pathologies do to the median beat of a normal record."""

import numpy as np
import pytest

from ecg_anomaly import make_ecg
from ecg_anomaly.errors import SignalError
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.pathologies import PATHOLOGIES, simulate_pathology
from ecg_anomaly.pathologies._beat import find_waves
from ecg_anomaly.signal.median_beat import R_SAMPLE, median_beat
from ecg_anomaly.signal.r_peaks import beat_centers

LEAD = {name: row for row, name in enumerate(STANDARD_LEADS)}


@pytest.fixture(scope="module")
def beats():
    records = make_ecg(6, random_state=3).X
    return [median_beat(x, beat_centers(x, 100.0), 100.0) for x in records]


def mean_change(beats, kind, n=8):
    """Return the mean change of a kind, and the waves of the first beat."""
    rng = np.random.default_rng(0)
    changes = [
        simulate_pathology(beat, kind, STANDARD_LEADS, rng) - beat
        for beat in beats
        for _ in range(n)
    ]
    return np.mean(changes, axis=0)


@pytest.mark.parametrize("kind", PATHOLOGIES)
def test_each_changes_the_beat_smoothly_and_repeatably(beats, kind):
    for beat in beats:
        rng = np.random.default_rng(1)
        ill = simulate_pathology(beat, kind, STANDARD_LEADS, rng)
        assert ill.shape == beat.shape
        assert np.isfinite(ill).all()
        change = ill - beat
        assert 0.01 < np.abs(change).max() < 5
        np.testing.assert_array_equal(change[:, [0, -1]], 0)
        again = simulate_pathology(beat, kind, STANDARD_LEADS, np.random.default_rng(1))
        np.testing.assert_array_equal(ill, again)


@pytest.mark.parametrize("kind", PATHOLOGIES)
def test_limb_leads_stay_consistent(beats, kind):
    rng = np.random.default_rng(2)
    change = simulate_pathology(beats[0], kind, STANDARD_LEADS, rng) - beats[0]
    one, two = change[LEAD["I"]], change[LEAD["II"]]
    # make_ecg adds noise to each lead: what is scaled or stretched has it too
    tolerance = 0.15 * np.abs(change).max()
    np.testing.assert_allclose(change[LEAD["III"]], two - one, atol=tolerance)
    np.testing.assert_allclose(change[LEAD["aVR"]], -(one + two) / 2, atol=tolerance)


def test_waves_are_where_they_should_be(beats):
    for beat in beats:
        waves = find_waves(beat, STANDARD_LEADS)
        assert waves.p_peak < waves.onset < R_SAMPLE < waves.j_point < waves.t_peak
        assert 5 <= waves.j_point - waves.onset <= 16, "a normal QRS takes 60 to 120 ms"
        energy = np.square(waves.signal).sum()
        parts = waves.p_wave + waves.qrs + waves.t_wave
        assert np.square(waves.signal - parts).sum() < 0.1 * energy


def test_infarction_takes_r_away_where_the_wall_is(beats):
    early = slice(R_SAMPLE - 4, R_SAMPLE + 2)
    inferior = mean_change(beats, "inferior_infarction")[:, early].mean(1)
    assert inferior[LEAD["aVF"]] < 0
    assert inferior[LEAD["aVF"]] < inferior[LEAD["I"]]
    anterior = mean_change(beats, "anterior_infarction")[:, early].mean(1)
    assert anterior[LEAD["V3"]] < 0
    assert np.argmin(anterior) in {LEAD["V2"], LEAD["V3"], LEAD["V4"]}
    lateral = mean_change(beats, "lateral_infarction")[:, early].mean(1)
    assert lateral[LEAD["I"]] < 0


def test_bundle_branch_blocks_point_to_their_side(beats):
    late = slice(R_SAMPLE + 5, R_SAMPLE + 12)
    right = mean_change(beats, "right_bundle_branch_block")[:, late].mean(1)
    assert right[LEAD["V1"]] > 0 > right[LEAD["I"]]
    left = mean_change(beats, "left_bundle_branch_block")[:, late].mean(1)
    assert left[LEAD["V1"]] < 0 < left[LEAD["I"]]


def test_hypertrophy_raises_the_voltage_of_its_side(beats):
    at_r = slice(R_SAMPLE - 2, R_SAMPLE + 3)
    left = mean_change(beats, "left_ventricular_hypertrophy")[:, at_r].mean(1)
    assert left[LEAD["V5"]] > 0.1
    assert left[LEAD["V1"]] < 0
    right = mean_change(beats, "right_ventricular_hypertrophy")
    assert right[LEAD["V1"], R_SAMPLE - 4 : R_SAMPLE + 8].mean() > 0
    low = mean_change(beats, "low_voltage")
    normal = np.mean(beats, axis=0)
    assert np.ptp(normal + low, axis=1).max() < 0.7 * np.ptp(normal, axis=1).max()


def test_axis_turns_up_and_down(beats):
    def axis(beat):
        waves = find_waves(beat, STANDARD_LEADS)
        left, foot = waves.dipole(waves.qrs)[:2].sum(1)
        return np.rad2deg(np.arctan2(foot, left))

    rng = np.random.default_rng(0)
    for beat in beats:
        up = simulate_pathology(beat, "left_anterior_fascicular_block", STANDARD_LEADS, rng)
        down = simulate_pathology(beat, "right_axis_deviation", STANDARD_LEADS, rng)
        assert axis(up) < axis(beat) < axis(down)


def test_first_degree_block_moves_p_and_nothing_else(beats):
    rng = np.random.default_rng(0)
    for beat in beats:
        waves = find_waves(beat, STANDARD_LEADS)
        moved = simulate_pathology(beat, "first_degree_block", STANDARD_LEADS, rng)
        behind = slice(waves.j_point, None)
        np.testing.assert_allclose(moved[:, behind], beat[:, behind], atol=0.01)
        before = slice(5, waves.onset)
        assert np.abs(moved - beat)[LEAD["II"], before].max() > 0.02


def test_t_waves_flatten_and_qt_grows(beats):
    waves = find_waves(beats[0], STANDARD_LEADS)
    two = LEAD["II"]
    flat = mean_change(beats, "t_wave_change")
    assert flat[two, waves.t_peak] < 0 < beats[0][two, waves.t_peak]
    late = mean_change(beats, "long_qt")
    assert late[two, waves.t_peak + 8] > 0


@pytest.mark.parametrize("leads", [("II",), ("I", "V2"), ("V1", "V5", "aVF")])
@pytest.mark.parametrize("kind", PATHOLOGIES)
def test_few_leads_will_do(beats, leads, kind):
    beat = beats[0][[LEAD[lead] for lead in leads]]
    ill = simulate_pathology(beat, kind, leads, np.random.default_rng(0))
    assert np.isfinite(ill).all()
    assert not np.array_equal(ill, beat)


@pytest.mark.parametrize("kind", PATHOLOGIES)
def test_a_flat_beat_gives_no_nan(kind):
    ill = simulate_pathology(np.zeros((12, 85)), kind, STANDARD_LEADS, np.random.default_rng(0))
    assert np.isfinite(ill).all()


def test_unknown_leads_are_named(beats):
    with pytest.raises(SignalError, match="MLII"):
        simulate_pathology(beats[0][:1], "st_shift", ["MLII"], np.random.default_rng(0))
