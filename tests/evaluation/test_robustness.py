"""Models on perturbed records, beside the clean ones."""

import pickle
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, OutlierMixin

from ecg_anomaly import (
    CAEDetector,
    GatedDetector,
    Record,
    RecordSet,
    TunedThresholdDetector,
    make_ecg,
)
from ecg_anomaly.datasets import ECGDataset
from ecg_anomaly.datasets.synthetic._faults import _SWAPPED as ELECTRODES
from ecg_anomaly.errors import DatasetError, ECGError, SignalError
from ecg_anomaly.evaluation import (
    Perturbation,
    Robustness,
    robustness,
    standard_perturbations,
)
from ecg_anomaly.evaluation._perturbations import LIMB_SWAPS
from ecg_anomaly.leads import STANDARD_LEADS, limb_plane
from ecg_anomaly.metrics import alarm_rates, anomaly_auroc, bootstrap_difference
from ecg_anomaly.signal.perturbations import qrs_swing

FS = 100.0
_NAMES = {"LA/RA": "RA/LA"}


class Peak(OutlierMixin, BaseEstimator):
    """Scores are minus the largest amplitude; refuses records with missing samples."""

    offset_ = -2.0

    def fit(self, X, y=None):
        return self

    def score_samples(self, X):
        X = np.asarray(X)
        if np.isnan(X).any():
            raise SignalError("NaN in a lead; fill it in.")
        return -np.abs(X).max(axis=(1, 2)).astype(float)


class Lenient(Peak):
    """The same without a score where the first lead is missing."""

    def score_samples(self, X):
        X = np.asarray(X)
        scores = super().score_samples(np.nan_to_num(X))
        return np.where(np.isnan(X[:, 0, 0]), np.finfo(float).min, scores)


def ecgs(n=40, seed=0, lazy=True):
    data = make_ecg(n, anomalies="lvh", duration=4, random_state=seed)
    if lazy:
        data.X = RecordSet(data.X, fs=FS, table=data.table, patient_ids=data.groups)
    return data


def shift(signal, leads, fs, rng, by):
    return signal + by


def chosen(*names, leads=STANDARD_LEADS, **kwargs):
    found = standard_perturbations(leads, FS, **kwargs)
    return [p for p in found if any(name in str(p) for name in names)]


def only(text, **kwargs):
    (perturbation,) = chosen(text, **kwargs)
    return perturbation


TEST = ecgs()


@pytest.fixture(scope="module")
def result():
    done = []
    found = robustness(
        {"peak": Peak(), "lenient": Lenient()},
        TEST,
        perturbations=chosen("gain error 2", "missing leads 3", "wander 0 dB"),
        n_resamples=50,
        progress=lambda *told: done.append(told),
    )
    assert done[0] == ("peak, clean", 1, 8)
    assert done[-1] == ("lenient, gain error 2 x", 8, 8)
    return found


def test_standard_perturbations():
    levels = {}
    for perturbation in standard_perturbations(STANDARD_LEADS, FS):
        levels.setdefault((perturbation.name, perturbation.unit), []).append(perturbation.level)
    assert levels == {
        ("synthetic baseline wander", "dB"): [24, 18, 12, 6, 0, -6],
        ("50 Hz hum", "mV"): [0.02, 0.05, 0.1, 0.2],
        ("60 Hz hum", "mV"): [0.02, 0.05, 0.1, 0.2],
        ("recorded at", "Hz"): [250, 125, 62.5],
        ("missing leads", ""): [1, 2, 3, 6, 8, 11],
        ("swapped or inverted leads", ""): [
            "LA/RA", "LA/LL", "V1/V2", "V1-V6 reversed", "I inverted",
        ],
        ("gain error", "x"): [0.5, 0.8, 1.25, 2],
    }  # fmt: skip


def test_fewer_leads_have_fewer_perturbations():
    of_two = [str(p) for p in standard_perturbations(["MLII", "V1"], FS)]
    assert [text for text in of_two if "lead" in text] == [
        "missing leads 1",
        "swapped or inverted leads MLII inverted",
    ]
    records = RecordSet(np.random.default_rng(0).normal(size=(2, 2, 400)), leads=["MLII", "V1"])
    for perturbation in standard_perturbations(["MLII", "V1"], FS):
        assert perturbation.apply(records).load().shape == (2, 2, 400)


@pytest.mark.parametrize("perturbation", standard_perturbations(STANDARD_LEADS, FS), ids=str)
def test_what_is_done_to_a_record_does_not_depend_on_the_others(perturbation):
    changed = perturbation.apply(TEST.X, 3)
    whole = changed.load()
    assert whole.shape == TEST.X.shape
    assert not np.array_equal(whole, TEST.X.load())
    np.testing.assert_array_equal(np.concatenate(list(changed.batches(7))), whole)
    np.testing.assert_array_equal(changed[[5, 2]].load(), whole[[5, 2]])
    few = perturbation.apply(TEST.X[[9, 1]], 3)
    np.testing.assert_array_equal(few.load(), whole[[9, 1]])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(changed)).load(), whole)


@pytest.mark.parametrize("text", ["wander 6 dB", "50 Hz hum 0.1", "missing leads 3"])
def test_the_seed_decides(text):
    perturbation = only(text)
    one, again, other = (perturbation.apply(TEST.X, seed).load() for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one[0] - TEST.X.load()[0], one[1] - TEST.X.load()[1])


def test_noise_is_added_at_the_ratio_and_keeps_the_limb_leads_consistent():
    x = TEST.X.load().astype(float)
    noise = {"muscle": (np.random.default_rng(0).normal(size=(2, 40_000)), 360.0)}
    for snr in (24, 0):
        added = only(f"muscle {snr} dB", noise=noise).apply(TEST.X).load() - x
        rows = [STANDARD_LEADS.index(lead) for lead in ("I", "II", "V1", "V6")]
        power = np.square(qrs_swing(x, FS)) / 8
        ratio = 10 * np.log10(power / np.mean(added**2, axis=-1))[:, rows]
        np.testing.assert_allclose(ratio, snr, atol=0.01)
        limb = np.einsum("lk,nkt->nlt", limb_plane(STANDARD_LEADS[:6]), added[:, :2])
        np.testing.assert_allclose(added[:, :6], limb, atol=1e-5)
        shared = np.corrcoef(added[0, rows])[np.triu_indices(4, 1)]
        assert np.abs(shared).max() < 0.5  # stretches of their own


def test_levels_share_their_noise():
    x = TEST.X.load()
    quiet, loud = (only(f"wander {snr} dB").apply(TEST.X).load() - x for snr in (0, -6))
    np.testing.assert_allclose(loud, 10**0.3 * quiet, atol=1e-5)


def test_noise_may_be_a_record():
    signal = np.random.default_rng(0).normal(size=(2, 4000)).astype(np.float32)
    signal[:, 5:9] = np.nan
    record = Record(signal, fs=50, leads=["a", "b"])
    one, two = (
        only("n 6 dB", noise={"n": noise}).apply(TEST.X).load()
        for noise in (record, (signal, 50.0))
    )
    np.testing.assert_array_equal(one, two)
    assert np.isfinite(one).all()


@pytest.mark.parametrize(
    "noise", [5, (np.zeros((2, 3, 4)), 100), (np.full(50, np.nan), 100), np.zeros(50), ("a", 100)]
)
def test_what_is_no_noise(noise):
    with pytest.raises(SignalError, match=r"noise 'n' must be a Record or \(array, fs\)"):
        standard_perturbations(STANDARD_LEADS, FS, {"n": noise})


def test_short_noise():
    perturbation = only("n 6 dB", noise={"n": (np.random.default_rng(0).normal(size=300), FS)})
    with pytest.raises(SignalError, match="the noise has 300 samples, but the records have 400"):
        perturbation.apply(TEST.X).load()


def test_leads_are_lost_one_after_another():
    lost = [np.isnan(p.apply(TEST.X).load()).all(axis=-1) for p in chosen("missing leads")]
    for n, now in zip((1, 2, 3, 6, 8, 11), lost, strict=True):
        assert (now.sum(axis=1) == n).all()
    for fewer, more in pairwise(lost):
        assert (more | ~fewer).all()
    assert lost[0].any(axis=0).sum() > 6  # not always the same


@pytest.mark.parametrize("electrodes", LIMB_SWAPS)
def test_swapped_limb_electrodes(electrodes):
    x = TEST.X.load()
    expected = x.copy()
    for lead, (source, sign) in ELECTRODES[_NAMES.get(electrodes, electrodes)].items():
        expected[:, STANDARD_LEADS.index(lead)] = sign * x[:, STANDARD_LEADS.index(source)]
    changed = only(electrodes).apply(TEST.X).load()
    np.testing.assert_allclose(changed, expected, atol=1e-4)
    np.testing.assert_array_equal(changed[:, 6:], x[:, 6:])


def test_leads_go_by_name():
    x, order = TEST.X.load(), np.array([3, 9, 0, 1, 11, 5, 7, 2, 4, 10, 8, 6])
    shuffled = RecordSet(x[:, order], leads=[STANDARD_LEADS[k] for k in order])
    for perturbation in chosen("leads LA", "leads V1", "inverted"):
        one = perturbation.apply(TEST.X).load()
        other = perturbation.apply(shuffled).load()
        np.testing.assert_allclose(other, one[:, order], atol=1e-4)


def test_chest_leads_inversion_and_gain():
    x = TEST.X.load()
    np.testing.assert_array_equal(
        only("V1/V2").apply(TEST.X).load(), x[:, [0, 1, 2, 3, 4, 5, 7, 6, 8, 9, 10, 11]]
    )
    np.testing.assert_array_equal(only("V6").apply(TEST.X).load()[:, 6:], x[:, :5:-1])
    changed = only("I inverted").apply(TEST.X).load()
    np.testing.assert_array_equal(changed[:, 0], -x[:, 0])
    np.testing.assert_array_equal(changed[:, 1:], x[:, 1:])
    np.testing.assert_allclose(only("gain error 0.8").apply(TEST.X).load(), 0.8 * x, rtol=1e-6)


def test_the_table(result):
    frame = result.to_frame()
    assert frame["model"].tolist() == ["peak"] * 4 + ["lenient"] * 4
    assert frame["perturbation"].tolist() == 2 * [
        "clean", "synthetic baseline wander", "missing leads", "gain error",
    ]  # fmt: skip
    assert frame["level"].tolist() == 2 * ["", 0, 3, 2]
    x, y = TEST.X.load(), TEST.y
    clean, doubled = Peak().score_samples(x), Peak().score_samples(2 * x)
    first, gain = frame.iloc[0], frame.iloc[3]
    rates, now = alarm_rates(y, clean, -2.0), alarm_rates(y, doubled, -2.0)
    assert first["AUROC"] == anomaly_auroc(y, clean)
    assert first["false alarms"] == rates.false_alarm_rate
    assert first["AUROC change"] == first["low"] == first["high"] == 0
    assert (gain["false alarms"], gain["sensitivity"]) == (now.false_alarm_rate, now.sensitivity)
    assert gain["false alarms change"] == now.false_alarm_rate - rates.false_alarm_rate
    assert gain["false alarms change"] > 0
    assert gain["AUROC change"] == 0  # the order stays
    assert (gain["n"], gain["normals"]) == (40, (y == 1).sum())
    noisy = result.trial("peak", result.perturbations[0]).scores
    interval = bootstrap_difference(
        anomaly_auroc, y, noisy, clean, groups=TEST.groups, n_resamples=50, random_state=0
    )
    assert tuple(frame.loc[1, ["AUROC change", "low", "high"]]) == interval
    assert frame.loc[1, "AUROC"] == anomaly_auroc(y, noisy)


def test_a_model_that_refuses(result):
    row = result.to_frame().iloc[2]
    assert row["refusal"] == "NaN in a lead; fill it in."
    assert row["not scorable"] == 1
    assert row["n"] == 0
    assert row[["AUROC", "AUROC change", "low", "high", "false alarms"]].isna().all()
    assert (result.to_frame().drop(index=2)["refusal"] == "").all()


def test_the_change_is_on_the_same_records(result):
    row = result.to_frame().iloc[6]
    scores = result.trial("lenient", result.perturbations[1]).scores
    rows = ~np.isnan(scores)
    assert 0 < rows.sum() < 40
    assert row["n"] == rows.sum()
    assert row["not scorable"] == pytest.approx(1 - rows.mean())
    y, clean = TEST.y[rows], result.trial("lenient").scores[rows]
    assert row["AUROC"] == anomaly_auroc(y, scores[rows])
    change = anomaly_auroc(y, scores[rows]) - anomaly_auroc(y, clean)
    assert row["AUROC change"] == pytest.approx(change)
    before = alarm_rates(y, clean, -2.0).false_alarm_rate
    assert row["false alarms"] - row["false alarms change"] == pytest.approx(before)


def test_matched_where_age_and_sex_are_known(result):
    assert "matched AUROC" in result.to_frame()
    bare = TEST[:]
    bare.table = bare.table.drop(columns=["age"])
    assert "matched AUROC" not in robustness({"p": Peak()}, bare, perturbations=[]).to_frame()
    everyone_apart = TEST[:]
    everyone_apart.table = bare.table.assign(age=np.where(TEST.y == 1, 20, 70))
    frame = robustness({"p": Peak()}, everyone_apart, perturbations=[]).to_frame()
    assert frame["matched AUROC"].isna().all()


def test_arrays_are_as_good():
    lazy, array = ecgs(), ecgs(lazy=False)
    frames = [
        robustness({"p": Peak()}, data, perturbations=chosen("12 dB"), n_resamples=10).to_frame()
        for data in (lazy, array)
    ]
    pd.testing.assert_frame_equal(*frames)


def test_a_gate_and_a_tuned_threshold():
    gated = GatedDetector(CAEDetector(max_epochs=1, random_state=0))
    normals = make_ecg(120, duration=4, random_state=1)
    model = TunedThresholdDetector(gated, random_state=0).fit(normals.X, groups=normals.groups)
    found = robustness(
        {"CAE": model}, TEST, perturbations=chosen("missing leads", "hum 0.2"), n_resamples=10
    )
    frame = found.to_frame().set_index(["perturbation", "level"])
    shares = frame.loc["missing leads", "not scorable"]
    assert shares.is_monotonic_increasing
    assert (shares[1], shares[11]) == (0, 1)
    assert (frame["refusal"] == "").all()
    scores = found.trial("CAE").scores
    np.testing.assert_array_equal(scores, model.score_samples(TEST.X))
    assert set(found.trial("CAE").thresholds) == {model.offset_}
    with pytest.raises(DatasetError, match="the threshold of 'CAE' was set on"):
        robustness({"CAE": model}, normals, perturbations=[])


def test_perturbations_of_ones_own():
    own = [Perturbation("offset", level, partial(shift, by=level), "mV") for level in (0.5, 3.0)]
    frame = robustness({"p": Peak()}, TEST, perturbations=own, n_resamples=10).to_frame()
    assert frame["unit"].tolist() == ["", "mV", "mV"]
    assert frame["false alarms"].iloc[2] == 1
    for names in (["offset", "offset"], ["clean"]):
        with pytest.raises(SignalError, match="name and level of its own"):
            robustness(
                {"p": Peak()}, TEST, perturbations=[Perturbation(n, 1, shift) for n in names]
            )


def test_wrong_calls():
    with pytest.raises(SignalError, match="no model"):
        robustness({}, TEST)
    with pytest.raises(SignalError, match="not both"):
        robustness({"p": Peak()}, TEST, noise={}, perturbations=[])
    broken = ecgs(4, lazy=False)
    broken.X[1, 2, 3] = np.nan
    with pytest.raises(ECGError, match="'p' cannot score the clean records: NaN in a lead"):
        robustness({"p": Peak()}, broken)
    with pytest.raises(ECGError, match="no result of 'q' on clean; there are the models p"):
        robustness({"p": Peak()}, TEST, perturbations=[]).trial("q")


def test_what_cannot_be_done_to_records_is_no_refusal_of_the_model():
    short = {"n": (np.random.default_rng(0).normal(size=300), FS)}
    with pytest.raises(SignalError, match="noise has 300 samples"):
        robustness({"p": Peak()}, TEST, noise=short)


def test_the_rate_of_arrays_must_be_known():
    array = ecgs(8, lazy=False)
    array.table = array.table.drop(columns="fs")
    with pytest.raises(DatasetError, match=r"sampling rate of .* is not known"):
        robustness({"p": Peak()}, array)


def test_the_figure():
    levels = chosen("gain error", "missing leads 6")
    found = robustness({"p": Peak(), "q": Lenient()}, TEST, perturbations=levels, n_resamples=10)
    frame, figure = found.to_frame(), found.plot()
    assert [axes.get_title() for axes in figure.axes[::2]] == ["missing leads", "gain error (x)"]
    of_q = frame[(frame["model"] == "q") & frame["perturbation"].isin(["clean", "gain error"])]
    for axes, measure in zip(figure.axes[2:], ("AUROC", "false alarms"), strict=True):
        (line,) = [line for line in axes.lines if line.get_label() == "q"]
        np.testing.assert_array_equal(line.get_ydata(), of_q[measure])


def test_one_class_alone():
    normals = TEST[TEST.y == 1]
    frame = robustness({"p": Peak()}, normals, perturbations=chosen("error 2")).to_frame()
    assert frame["AUROC"].isna().all()
    assert frame["sensitivity"].isna().all()
    expected = np.mean(Peak().score_samples(2 * normals.X.load()) < -2.0)
    assert frame["false alarms"].iloc[1] == expected


def test_too_few_patients_for_an_interval():
    few = TEST[:]
    few.groups = np.where(TEST.y == 1, 0, 1)
    assert isinstance(few, ECGDataset)
    found = robustness(
        {"p": Peak()}, few, perturbations=chosen("wander 0 dB"), n_resamples=1, random_state=1
    )
    assert isinstance(found, Robustness)
    row = found.to_frame().iloc[1]
    assert np.isfinite(row["AUROC change"])
    assert row[["low", "high"]].isna().all()
