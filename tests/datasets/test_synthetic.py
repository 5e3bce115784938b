import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_anomaly.datasets import ANOMALIES, FAULTS, make_ecg
from ecg_anomaly.errors import DatasetError, ECGError
from ecg_anomaly.leads import LIMB_LEADS, STANDARD_LEADS

LEAD = {lead: k for k, lead in enumerate(STANDARD_LEADS)}
FS = 500


@pytest.fixture
def silent(monkeypatch):
    """make_ecg without noise, so that clinical criteria can be measured."""
    monkeypatch.setattr(
        "ecg_anomaly.datasets.synthetic._make.recorder_noise",
        lambda rng, breath, fs, n_samples: np.zeros((12, n_samples)),
    )

    def make(kind=None, n=25, **kwargs):
        kwargs = {"fs": FS, "anomaly_fraction": 1.0, "return_twins": True} | kwargs
        return make_ecg(n, anomalies=kind, random_state=11, **kwargs)

    return make


def complexes(signal, fs=FS, share=0.06):
    """Onset and end of each whole QRS complex, by the curvature over all leads.

    A wave of height a and width s bends by a / s**2: QRS complexes, even wide ones, bend more than
    P and T waves by far. Small hearts are measured by a smaller rule, and
    waves that bend less than `share` of the sharpest are no QRS.
    """
    bend = np.gradient(np.gradient(signal.astype(float), 1 / fs, axis=1), 1 / fs, axis=1)
    bend = np.linalg.norm(bend, axis=0)
    size = np.clip(np.abs(signal).max() / 1.5, 0.6, 1.0)
    edges = np.flatnonzero(np.diff(np.r_[False, bend > 1500.0 * size, False].astype(int)))
    begin, end = edges[::2], edges[1::2]
    apart = begin[1:] - end[:-1] > 0.03 * fs
    begin, end = begin[np.r_[True, apart]], end[np.r_[apart, True]]
    peak = np.array([bend[b:e].max() for b, e in zip(begin, end, strict=True)])
    whole = (
        (begin > 0.06 * fs)
        & (end < signal.shape[1] - 0.3 * fs)
        & (peak > max(1900.0 * size, share * bend.max()))
    )
    return list(zip(begin[whole], end[whole], strict=True))


def levels(signal, begin, at, fs=FS):
    """Signal at sample `at` over the level just before the QRS complex that begins at `begin`."""
    before = begin - round(0.012 * fs)
    return signal[:, at] - signal[:, before]


def test_shapes_types_and_columns():
    data = make_ecg(7, fs=200, duration=4.0, anomalies="all", return_twins=True, random_state=0)
    assert data.X.shape == data.masks.shape == data.twins.shape == (7, 12, 800)
    assert data.X.dtype == data.twins.dtype == np.float32
    assert data.X.flags.c_contiguous
    assert data.masks.dtype == bool
    assert np.isfinite(data.X).all()
    assert data.fs == 200.0
    assert set(data.y) == {1, -1}
    assert len(set(data.groups)) == 7
    assert {
        "kind", "detail", "is_fault", "fs", "age", "sex", "heart_rate", "axis", "pr", "qrs", "qtc",
    } <= set(data.table)  # fmt: skip
    assert list(data.labels) == [*ANOMALIES, *FAULTS]
    np.testing.assert_array_equal(data.labels.sum(axis=1) == 0, data.y == 1)
    np.testing.assert_array_equal(data.table["kind"] == "normal", data.y == 1)


def test_normals_by_default():
    data = make_ecg(5, random_state=0)
    assert (data.y == 1).all()
    assert not data.masks.any()
    assert data.twins is None


def test_kinds_are_balanced_and_share_the_fraction():
    data = make_ecg(100, duration=2, anomalies=["pvc", "af"], faults="lead_off", random_state=3,
                    anomaly_fraction=0.6)  # fmt: skip
    assert data.table["kind"].value_counts().to_dict() == {
        "normal": 40, "pvc": 20, "af": 20, "lead_off": 20,
    }  # fmt: skip
    np.testing.assert_array_equal(data.table["is_fault"], data.table["kind"] == "lead_off")
    assert (np.diff(data.y) != 0).sum() > 10  # in random order


def test_faults_alone_are_anomalies_too():
    data = make_ecg(12, duration=2, faults="all", random_state=0)
    assert (data.y == -1).sum() == 6
    assert set(data.table["kind"]) == {"normal", *FAULTS}


def test_all_kinds_once_each():
    n = len(ANOMALIES) + len(FAULTS)
    data = make_ecg(n, anomalies="all", faults="all", anomaly_fraction=1.0, random_state=0)
    assert sorted(data.table["kind"]) == sorted(ANOMALIES + FAULTS)


def test_same_seed_same_bits():
    one, two = (
        make_ecg(30, anomalies="all", faults="all", return_twins=True, random_state=4)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.X, two.X)
    np.testing.assert_array_equal(one.masks, two.masks)
    assert one.table.equals(two.table)
    assert not np.array_equal(one.X, make_ecg(30, random_state=5).X)


def test_random_state_as_in_scikit_learn():
    state = np.random.RandomState(0)
    one, two = make_ecg(2, random_state=state), make_ecg(2, random_state=state)
    again = make_ecg(2, random_state=np.random.RandomState(0))
    np.testing.assert_array_equal(one.X, again.X)
    assert not np.array_equal(one.X, two.X)
    assert make_ecg(1, random_state=None).X.shape == (1, 12, 1000)
    with pytest.raises(ValueError, match="seed"):
        make_ecg(1, random_state="zero")


def test_a_record_does_not_depend_on_how_many_follow():
    np.testing.assert_array_equal(make_ecg(3, random_state=0).X, make_ecg(9, random_state=0).X[:3])


def test_the_twin_is_the_record_made_without_anomalies():
    twins = make_ecg(24, anomalies="all", faults="all", return_twins=True, random_state=1).twins
    np.testing.assert_array_equal(twins, make_ecg(24, random_state=1).X)


@pytest.mark.parametrize("kind", ["normal", *ANOMALIES])
def test_another_rate_samples_the_same_ecg(kind):
    kinds = None if kind == "normal" else kind
    low, high = (
        make_ecg(4, fs=fs, anomalies=kinds, anomaly_fraction=1.0, random_state=2)
        for fs in (100, 500)
    )
    for record, same in zip(low.X, high.X[..., ::5], strict=True):
        for lead, other in zip(record, same, strict=True):
            assert np.corrcoef(lead, other)[0, 1] > 0.95
    assert low.table.drop(columns="fs").equals(high.table.drop(columns="fs"))


@pytest.mark.parametrize("fs", [50, 100, 1000])
def test_limb_leads_agree(fs):
    data = make_ecg(20, fs=fs, anomalies="all", faults=["limb_reversal", "noise_burst"],
                    anomaly_fraction=0.9, random_state=0)  # fmt: skip
    for lead, (a, b) in LIMB_LEADS.items():
        derived = a * data.X[:, LEAD["I"]] + b * data.X[:, LEAD["II"]]
        np.testing.assert_allclose(data.X[:, LEAD[lead]], derived, atol=2e-6)


@pytest.mark.parametrize("fs", [50, 250])
@pytest.mark.parametrize("kind", [*ANOMALIES, *FAULTS])
def test_records_differ_from_twins_inside_the_mask_only(kind, fs):
    anomalies, faults = (kind, None) if kind in ANOMALIES else (None, kind)
    data = make_ecg(16, fs=fs, anomalies=anomalies, faults=faults, return_twins=True,
                    random_state=8)  # fmt: skip
    apart = np.abs(data.X - data.twins)
    assert apart[~data.masks].max() <= 0.0101
    normal = data.y == 1
    np.testing.assert_array_equal(data.X[normal], data.twins[normal])
    assert not data.masks[normal].any()
    for difference, mask in zip(apart[~normal], data.masks[~normal], strict=True):
        assert mask.any()
        assert difference[mask].mean() > 0.02
        # No lead is covered that hardly changes.
        assert (difference.max(axis=1)[mask.any(axis=1)] > 0.01).all()


def test_masks_cover_what_a_reader_would_mark(silent):
    share = {}
    for kind in ANOMALIES:
        share[kind] = silent(kind, n=12).masks.mean(axis=(1, 2))
    assert (share["af"] == 1.0).all()
    assert max(share["pvc"].max(), share["pac"].max()) < 0.4
    for kind in ("lbbb", "rbbb", "lvh", "st_elevation", "t_inversion", "av_block"):
        assert (share[kind] < 0.75).all(), kind


def test_normal_ecgs_are_normal(silent):
    data = silent(n=60)
    table = data.table
    assert table["heart_rate"].between(50, 100).all()
    assert table["pr"].between(120, 200).all()
    assert table["qrs"].between(80, 105).all()
    assert table["axis"].between(-40, 95).all()
    for signal, row in zip(data.X, table.itertuples(), strict=True):
        found = complexes(signal)
        rr = np.diff([begin for begin, _ in found]) / FS
        assert 60 / rr.mean() == pytest.approx(row.heart_rate, rel=0.08)
        assert rr.std() / rr.mean() < 0.12
        widths = [(end - begin) / FS for begin, end in found]
        assert 0.060 < np.median(widths) < 0.118
        begin, end = found[len(found) // 2]
        st_level = levels(signal, begin, end)
        assert (st_level[[LEAD["V2"], LEAD["V3"]]] < 0.25).all()
        qrs = signal[:, begin:end]
        assert max(qrs[LEAD["V5"]].max(), qrs[LEAD["V6"]].max()) - qrs[LEAD["V1"]].min() < 3.7


def test_amplitudes_are_those_of_adults(silent):
    data = silent(n=100)
    found = [complexes(signal)[2] for signal in data.X]
    qrs = [signal[:, b:e] for signal, (b, e) in zip(data.X, found, strict=True)]
    r = np.median([q.max(axis=1) for q in qrs], axis=0)
    s = -np.median([q.min(axis=1) for q in qrs], axis=0)
    assert 0.5 < r[LEAD["II"]] < 1.1
    assert 0.8 < r[LEAD["V5"]] < 1.7
    # R grows from V1 to V5, and V1 is an rS.
    assert r[LEAD["V1"]] < r[LEAD["V2"]] < r[LEAD["V3"]] < r[LEAD["V4"]]
    assert s[LEAD["V1"]] > 2 * r[LEAD["V1"]]
    assert r[LEAD["V6"]] > 2 * s[LEAD["V6"]]
    t = [
        signal[:, e + round(0.06 * FS) : e + round(0.26 * FS)]
        for signal, (_, e) in zip(data.X, found, strict=True)
    ]
    upright = np.mean([(w.max(axis=1) > -w.min(axis=1)) for w in t], axis=0)
    for lead in ("I", "II", "V3", "V4", "V5", "V6"):
        assert upright[LEAD[lead]] == 1.0, lead
    p = [
        (signal[:, b - round(0.2 * FS) : b - round(0.015 * FS)]).max(axis=1)
        for signal, (b, _) in zip(data.X, found, strict=True)
    ]
    assert 0.05 < np.median(p, axis=0)[LEAD["II"]] < 0.2


def test_normals_vary(silent):
    table = silent(n=200, duration=1.5, fs=100).table
    assert table["heart_rate"].std() > 7
    assert table["axis"].std() > 18
    assert np.corrcoef(table["age"], table["axis"])[0, 1] < -0.2
    assert set(table["sex"]) == {0, 1}


def test_pvc_is_early_wide_and_compensated(silent):
    for signal, twin, row in zip(*_columns(silent("pvc", n=20)), strict=True):
        found, regular = complexes(signal), complexes(twin)
        wide = [k for k, (b, e) in enumerate(found) if (e - b) / FS > 0.12]
        assert wide
        rr = np.median(np.diff([b for b, _ in regular]))
        for k in wide:
            if 0 < k < len(found) - 1:
                assert found[k][0] - found[k - 1][0] < 0.88 * rr
                assert found[k + 1][0] - found[k][0] > 1.02 * rr
                both = found[k + 1][0] - found[k - 1][0]
                assert both == pytest.approx(2 * rr, rel=0.15)
        assert row.qrs > 120


def test_pac_is_early_and_narrow(silent):
    early = 0
    for signal, twin, _ in zip(*_columns(silent("pac", n=20)), strict=True):
        found, regular = complexes(signal), complexes(twin)
        assert max((e - b) / FS for b, e in found) < 0.12
        rr = np.diff([b for b, _ in found]) / np.median(np.diff([b for b, _ in regular]))
        early += rr.min() < 0.88
    assert early >= 19


def test_af_is_irregular_and_has_no_p_waves(silent):
    data = silent("af", n=20)
    for signal, twin in zip(data.X, data.twins, strict=True):
        rr = np.diff([b for b, _ in complexes(signal)])
        assert rr.std() / rr.mean() > 0.10
        # A P wave would stand before every QRS complex; f waves average out.
        before = round(0.22 * FS)
        mean, healthy = (
            np.mean([x[LEAD["II"], b - before : b - 8] for b, _ in complexes(x) if b > before], 0)
            for x in (signal, twin)
        )
        assert np.ptp(mean[before // 2 :]) < max(0.12, 1.5 * np.ptp(healthy))
    assert data.table["pr"].isna().all()


def test_bundle_branch_blocks_are_wide(silent):
    for kind in ("lbbb", "rbbb"):
        data = silent(kind, n=20)
        for signal, row in zip(data.X, data.table.itertuples(), strict=True):
            widths = [(e - b) / FS for b, e in complexes(signal, share=0.3)]
            assert np.median(widths) >= 0.115, kind
            assert row.qrs >= 120


def test_bundle_branch_blocks_have_their_shape(silent):
    left, right = silent("lbbb", n=20), silent("rbbb", n=20)
    for signal in left.X:
        begin, end = complexes(signal, share=0.3)[2]
        qrs = signal[:, begin:end] - signal[:, begin - 6 : begin - 5]
        assert -qrs[LEAD["V1"]].min() > 3 * qrs[LEAD["V1"]].max()
        assert qrs[LEAD["V6"]].max() > 4 * -qrs[LEAD["V6"]].min()
        t = signal[:, end + round(0.1 * FS) : end + round(0.25 * FS)].mean(axis=1)
        assert t[LEAD["V1"]] > 0 > t[LEAD["V6"]]
    for signal in right.X:
        begin, end = complexes(signal, share=0.3)[2]
        qrs = signal[:, begin:end]
        late = slice((end - begin) // 2, None)
        assert qrs[LEAD["V1"], late].max() > 0.2
        assert qrs[LEAD["V1"]].argmax() > (end - begin) // 2
        assert qrs[LEAD["V6"], late].min() < -0.1
        assert qrs[LEAD["I"], late].min() < -0.05


def test_st_elevation_meets_the_universal_definition(silent):
    contiguous = {
        "anterior": [("V2", "V3")],
        "inferior": [("II", "III"), ("III", "aVF")],
        "lateral": [("I", "aVL"), ("V5", "V6")],
    }
    reciprocal = {"inferior": "aVL", "lateral": "III"}
    data = silent("st_elevation", n=30)
    assert set(data.table["detail"]) == set(contiguous)
    for signal, row in zip(data.X, data.table.itertuples(), strict=True):
        men = 0.25 if row.age < 40 else 0.20
        limit = {"V2": 0.15 if row.sex else men, "V3": 0.15 if row.sex else men}
        # The twin's complexes end where they would without the elevation.
        beats = complexes(data.twins[row.Index])
        at_j = np.median([levels(signal, b, e) for b, e in beats], 0)
        assert any(
            all(at_j[LEAD[lead]] >= limit.get(lead, 0.10) for lead in pair)
            for pair in contiguous[row.detail]
        )
        if row.detail in reciprocal:
            after = np.median([levels(signal, b, b + round(0.16 * FS)) for b, _ in beats], 0)
            assert after[LEAD[reciprocal[row.detail]]] < -0.05


def test_t_inversion_is_deep_enough(silent):
    leads = {"anterior": ("V2", "V3"), "inferior": ("II", "III"), "lateral": ("V5", "V6")}
    data = silent("t_inversion", n=30)
    assert set(data.table["detail"]) == set(leads)
    for k, row in enumerate(data.table.itertuples()):
        begin, end = complexes(data.twins[k])[2]
        t = data.X[k][:, end + round(0.08 * FS) : end + round(0.30 * FS)]
        t = t - data.X[k][:, begin - 6 : begin - 5]
        for lead in leads[row.detail]:
            assert t[LEAD[lead]].min() < -0.1


def test_lvh_meets_the_voltage_criterion(silent):
    data = silent("lvh", n=25)
    for signal in data.X:
        begin, end = complexes(signal)[2]
        qrs = signal[:, begin:end]
        r = max(qrs[LEAD["V5"]].max(), qrs[LEAD["V6"]].max())
        assert r - qrs[LEAD["V1"]].min() >= 3.5
        t = signal[:, end + round(0.08 * FS) : end + round(0.25 * FS)]
        assert t[LEAD["V6"]].min() < -0.08


def test_av_block_lengthens_pr_or_drops_every_other_beat(silent):
    data = silent("av_block", n=30)
    assert set(data.table["detail"]) == {"first degree", "2:1"}
    for signal, twin, row in zip(*_columns(data), strict=True):
        found, regular = complexes(signal), complexes(twin)
        if row.detail == "2:1":
            assert abs(2 * len(found) - len(regular)) <= 1
        else:
            assert row.pr > 200
            assert len(found) == len(regular)
            # The P wave's peak moves from within 200 ms of QRS to before that.
            assert not np.allclose(signal, twin, atol=0.02)


def _columns(data):
    return data.X, data.twins, data.table.itertuples()


def test_lead_off_is_flat_in_one_chest_lead():
    data = make_ecg(12, faults="lead_off", anomaly_fraction=1.0, random_state=0)
    for k, lead in enumerate(data.table["detail"]):
        assert data.masks[k].any(axis=1).sum() == 1
        flat = data.X[k, LEAD[lead]][data.masks[k, LEAD[lead]]]
        assert np.abs(np.diff(flat)).max() < 0.02


def test_limb_reversal_swaps_leads():
    data = make_ecg(15, faults="limb_reversal", anomaly_fraction=1.0, return_twins=True,
                    random_state=0)  # fmt: skip
    for k, swap in enumerate(data.table["detail"]):
        np.testing.assert_array_equal(data.X[k, 6:], data.twins[k, 6:])
        if swap == "RA/LA":
            np.testing.assert_array_equal(data.X[k, LEAD["I"]], -data.twins[k, LEAD["I"]])
            np.testing.assert_array_equal(data.X[k, LEAD["II"]], data.twins[k, LEAD["III"]])
            np.testing.assert_array_equal(data.X[k, LEAD["aVF"]], data.twins[k, LEAD["aVF"]])


def test_mains_hum_is_not_folded_back(monkeypatch):
    from ecg_anomaly.datasets.synthetic._noise import recorder_noise

    def spectrum(fs):
        noise = recorder_noise(np.random.default_rng(0), 0.25, fs, 10 * fs)
        return np.abs(np.fft.rfft(noise, axis=1))[0] / fs

    high, low = spectrum(500), spectrum(80)
    hum = max(high[500], high[600])  # 50 or 60 Hz in steps of 0.1 Hz
    assert hum > 5 * np.median(high[450:650])
    assert low.argmax() < 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n must be"),
        ({"n": 2.5}, "n must be"),
        ({"n": True}, "n must be"),
        ({"fs": 20}, "fs must be.*25"),
        ({"fs": np.nan}, "fs must be"),
        ({"fs": "100"}, "fs must be"),
        ({"duration": 0.5}, "duration must be"),
        ({"duration": np.inf}, "duration must be"),
        ({"anomaly_fraction": 1.5}, "anomaly_fraction must"),
        ({"anomalies": "stemi"}, "anomalies.*'stemi'.*pvc, pac"),
        ({"anomalies": ["pvc", "lead_off"]}, "anomalies.*'lead_off'"),
        ({"faults": "pvc"}, "faults.*'pvc'.*lead_off"),
        ({"anomalies": 3}, "anomalies must be"),
        ({"anomalies": [["pvc"]]}, "anomalies"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(DatasetError, match=message) as error:
        make_ecg(**({"n": 1} | arguments))
    assert isinstance(error.value, ECGError)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 4),
    fs=st.floats(25.0, 700.0),
    duration=st.floats(1.0, 8.0),
    seed=st.integers(0, 2**40),
)
def test_any_size_works(n, fs, duration, seed):
    data = make_ecg(n, fs=fs, duration=duration, anomalies="all", faults="all",
                    anomaly_fraction=1.0, return_twins=True, random_state=seed)  # fmt: skip
    assert data.X.shape == (n, 12, round(fs * duration))
    assert np.isfinite(data.X).all()
    assert np.abs(data.X).max() < 10.0
    assert np.abs(data.X - data.twins)[~data.masks].max(initial=0.0) <= 0.0101
    assert data.masks.any(axis=(1, 2)).all()


def test_a_minute_at_1000_hz():
    data = make_ecg(2, fs=1000, duration=60.0, anomalies="pvc", random_state=0)
    assert data.X.shape == (2, 12, 60000)


def test_fast_enough():
    make_ecg(2, anomalies="all", random_state=0)
    start = time.perf_counter()
    make_ecg(200, anomalies="all", random_state=0)
    assert time.perf_counter() - start < 4.0


def test_importing_is_light():
    code = (
        "import sys, ecg_anomaly.datasets.synthetic as s;"
        "heavy = {'pandas', 'scipy', 'sklearn', 'torch', 'matplotlib'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
