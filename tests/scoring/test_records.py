"""Scoring of records as they come."""

import tracemalloc
import warnings

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ecg_anomaly import (
    BandpassFilter,
    CAEDetector,
    CropOrPad,
    LeadImputer,
    LeadNormalizer,
    Record,
    RecordSet,
    Resampler,
    make_ecg,
    score_records,
)
from ecg_anomaly.errors import ECGError, RecordFileError, SignalError
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.scoring import detector_of, model_input

COLUMNS = [
    "record_id", "source", "score", "verdict", "n_windows", "n_refused", "findings", "problem",
]  # fmt: skip
VERDICTS = {"flagged", "not flagged", "not scorable"}


@pytest.fixture(scope="module")
def ecgs():
    """Make twelve-lead ECGs of 4 s at 100 Hz."""
    return make_ecg(30, duration=4, random_state=0).X


@pytest.fixture(scope="module")
def detector(small, ecgs):
    return small(CAEDetector, contamination=0.2).fit(RecordSet(ecgs))


@pytest.fixture(scope="module")
def imputing(small, ecgs):
    steps = LeadImputer(), BandpassFilter(), LeadNormalizer(), small(CAEDetector)
    return make_pipeline(*steps).fit(RecordSet(ecgs))


def records_of(X, leads=STANDARD_LEADS, fs=100.0):
    return [Record(x, fs=fs, leads=leads, record_id=f"r{k}") for k, x in enumerate(X)]


def scores(model, records, **options):
    return score_records(model, records, **options)["score"].to_numpy()


def test_the_table(detector, ecgs):
    table = score_records(detector, records_of(ecgs))
    assert table.columns.tolist() == COLUMNS
    assert table["record_id"].tolist() == [f"r{k}" for k in range(30)]
    np.testing.assert_allclose(table["score"], detector.score_samples(ecgs), rtol=1e-7)
    flagged = detector.predict(ecgs) == -1
    assert flagged.sum() == 6
    np.testing.assert_array_equal(table["verdict"] == "flagged", flagged)
    assert set(table["verdict"]) == {"flagged", "not flagged"}
    assert (table["n_windows"] == 1).all()
    assert (table["problem"] == "").all()


def test_a_record_set_equals_its_records(detector, ecgs):
    records = RecordSet(ecgs, record_ids=[f"r{k}" for k in range(30)])
    listed = score_records(detector, records_of(ecgs))
    assert score_records(detector, records).equals(listed)
    again = score_records(detector, (record for record in records_of(ecgs)))
    assert again.equals(listed)


def test_the_order_of_named_leads_does_not_matter(detector, ecgs):
    expected = scores(detector, records_of(ecgs))
    order = np.random.default_rng(0).permutation(12)
    leads = [STANDARD_LEADS[k] for k in order]
    np.testing.assert_array_equal(scores(detector, records_of(ecgs[:, order], leads)), expected)
    aliases = ["i", "LEAD II", "mdc_ecg_lead_iii", "AVR", "avl", " aVF ", *STANDARD_LEADS[6:]]
    np.testing.assert_array_equal(scores(detector, records_of(ecgs, aliases)), expected)
    more = np.concatenate([np.full_like(ecgs[:, :1], 7), ecgs], axis=1)
    extra = records_of(more, ["RESP", *STANDARD_LEADS])
    np.testing.assert_array_equal(scores(detector, extra), expected)


@pytest.mark.parametrize("present", [("I", "II"), ("II", "III"), ("aVF", "aVL")])
def test_limb_leads_follow_from_two(detector, ecgs, present):
    # the synthetic leads obey Einthoven up to noise, so build ones that do exactly
    exact = ecgs.astype(float)
    one, two = exact[:, 0].copy(), exact[:, 1].copy()
    exact[:, 2], exact[:, 3] = two - one, -(one + two) / 2
    exact[:, 4], exact[:, 5] = one - two / 2, two - one / 2
    leads = [*present, *STANDARD_LEADS[6:]]
    few = exact[:, [STANDARD_LEADS.index(lead) for lead in leads]]
    np.testing.assert_allclose(
        scores(detector, records_of(few, leads)), scores(detector, records_of(exact)), rtol=1e-5
    )


def test_other_rates_are_resampled(detector):
    at_100, at_500 = (make_ecg(20, fs=fs, duration=4, random_state=3).X for fs in (100, 500))
    table = score_records(detector, records_of(at_500, fs=500))
    expected = scores(detector, records_of(at_100))
    assert (table["n_windows"] == 1).all()
    assert np.corrcoef(table["score"], expected)[0, 1] > 0.9
    mixed = [records_of(at_100)[0], records_of(at_500, fs=500)[0]]
    np.testing.assert_allclose(scores(detector, mixed), [expected[0], table["score"][0]], rtol=1e-7)


@pytest.mark.parametrize(
    ("seconds", "n_windows"), [(4, 1), (4.01, 2), (6, 2), (6.01, 3), (8, 3), (60, 29)]
)
def test_longer_records_are_windowed(detector, seconds, n_windows):
    X = make_ecg(2, duration=seconds, random_state=5).X
    expected = []
    for x in X:
        starts = np.linspace(0, x.shape[1] - 400, n_windows).round().astype(int)
        assert np.diff(starts).max(initial=0) <= 200
        expected.append(detector.score_samples(np.stack([x[:, s : s + 400] for s in starts])))
    for name, aggregate in (("min", np.min), ("mean", np.mean), ("median", np.median)):
        table = score_records(detector, records_of(X), aggregate=name)
        assert (table["n_windows"] == n_windows).all()
        np.testing.assert_allclose(table["score"], [aggregate(e) for e in expected], rtol=1e-7)
        flagged = table["score"] < detector.offset_
        np.testing.assert_array_equal(table["verdict"] == "flagged", flagged)
    np.testing.assert_array_equal(
        scores(detector, records_of(X)), scores(detector, records_of(X), aggregate="min")
    )


def test_many_windows_are_scored_in_parts(detector):
    X = make_ecg(9, duration=62, random_state=5).X
    together = score_records(detector, records_of(X))
    assert together["n_windows"].sum() == 270
    alone = np.concatenate([scores(detector, [record]) for record in records_of(X)])
    np.testing.assert_allclose(together["score"], alone, rtol=1e-7)


def test_shorter_records_are_refused_by_name(detector, ecgs):
    short = records_of(ecgs[:2, :, :399])
    with pytest.raises(SignalError, match=r"record 'r0': 3\.99 s is shorter than the 4 s"):
        score_records(detector, short)
    table = score_records(detector, [records_of(ecgs)[0], *short], errors="report")
    assert table["verdict"].tolist()[1:] == ["not scorable"] * 2
    assert table["score"].isna().tolist() == [False, True, True]
    assert table["problem"].str.contains("shorter").tolist() == [False, True, True]


def test_missing_leads_are_refused_or_imputed(detector, imputing, ecgs):
    leads = [lead for lead in STANDARD_LEADS if lead != "V3"]
    few = records_of(np.delete(ecgs, 8, axis=1), leads)
    with pytest.raises(SignalError, match=r"record 'r0': lead\(s\) V3 are missing.*LeadImputer"):
        score_records(detector, few)
    table = score_records(imputing, few)
    assert np.isfinite(table["score"]).all()
    missing = ecgs.copy()
    missing[:, 8] = np.nan
    np.testing.assert_allclose(table["score"], imputing.score_samples(missing), rtol=1e-7)
    assert not np.allclose(table["score"], imputing.score_samples(ecgs))
    # at another rate too
    slow = records_of(np.repeat(np.delete(ecgs, 8, axis=1), 2, axis=2), leads, fs=200)
    assert np.isfinite(scores(imputing, slow)).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_bad_samples_are_named(detector, imputing, ecgs, value):
    X = ecgs.copy()
    X[17, 7, 123] = value
    message = f"record 'r17': {value} in lead V2 at sample 123"
    with pytest.raises(SignalError, match=message):
        score_records(detector, records_of(X))
    table = score_records(detector, records_of(X), errors="report")
    assert message in table["problem"][17]
    assert table["verdict"][17] == "not scorable"
    assert np.isnan(table["score"][17])
    assert table["n_windows"][17] == 0
    others = table.drop(17)
    assert np.isfinite(others["score"]).all()
    if np.isnan(value):
        assert np.isfinite(scores(imputing, records_of(X))).all()
        # at another rate too: a gap stays one, and harms nothing else
        twice = scores(imputing, records_of(X.repeat(2, axis=2), fs=200))
        whole = scores(imputing, records_of(ecgs.repeat(2, axis=2), fs=200))
        assert np.isfinite(twice).all()
        np.testing.assert_array_equal(np.delete(twice, 17), np.delete(whole, 17))
        assert twice[17] == pytest.approx(whole[17], rel=0.1)
    else:
        with pytest.raises(SignalError, match=message):
            score_records(imputing, records_of(X))


def test_errors_while_scoring_are_reported_too(detector, ecgs):
    X = ecgs[:5].copy()
    X[3, 0, 0] = 3e38
    with pytest.raises(ECGError, match="lead 0"):
        score_records(detector, records_of(X))
    table = score_records(detector, records_of(X), errors="report")
    assert table["verdict"].eq("not scorable").tolist() == [False, False, False, True, False]
    assert "lead 0 (I) at sample 0" in table["problem"][3]
    assert "'r3'" in table["problem"][3]
    np.testing.assert_allclose(
        table["score"].drop(3), scores(detector, records_of(ecgs[:5]))[[0, 1, 2, 4]], rtol=1e-7
    )


@pytest.fixture(scope="module")
def wfdb():
    """Import wfdb, which uses what pandas deprecates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb
    return wfdb


@pytest.fixture
def write(wfdb, tmp_path):
    """Write a WFDB record and return its path."""

    def to_file(name, x, leads=STANDARD_LEADS, units="mV"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wfdb.wrsamp(
                name,
                fs=100,
                units=[units] * len(x),
                sig_name=list(leads),
                p_signal=x.T.astype(float),
                fmt=["16"] * len(x),
                write_dir=str(tmp_path),
            )
        return tmp_path / name

    return to_file


def test_paths(detector, ecgs, write):
    paths = [write(f"rec{k}", x) for k, x in enumerate(ecgs[:4])]
    order = list(reversed(range(12)))
    paths.append(write("reversed", ecgs[0][order], leads=[STANDARD_LEADS[k] for k in order]))
    mixed = [str(paths[0]), paths[1], str(paths[2]) + ".hea", paths[3], paths[4]]
    table = score_records(detector, mixed)
    assert table["record_id"].tolist() == ["rec0", "rec1", "rec2", "rec3", "reversed"]
    assert table["source"].tolist() == [str(path) + ".hea" for path in paths]
    expected = scores(detector, records_of(ecgs[[0, 1, 2, 3, 0]]))
    np.testing.assert_allclose(table["score"], expected, rtol=1e-2)


def test_the_unit_of_the_file_does_not_matter(detector, ecgs, write):
    small = write("in_uv", 1000 * ecgs[0], units="uV")
    large = write("in_mv", ecgs[0])
    first, second = scores(detector, [small, large])
    np.testing.assert_allclose(first, second, rtol=1e-3)


def test_files_that_cannot_be_read(detector, ecgs, write, tmp_path):
    good = write("good", ecgs[0])
    missing = tmp_path / "missing"
    broken = write("broken", ecgs[1])
    content = (tmp_path / "broken.dat").read_bytes()
    (tmp_path / "broken.dat").write_bytes(content[:-5])
    with pytest.raises(RecordFileError, match="missing"):
        score_records(detector, [good, missing])
    table = score_records(detector, [missing, good, broken], errors="report")
    assert table["record_id"].tolist() == ["missing", "good", "broken"]
    assert table["verdict"].eq("not scorable").tolist() == [True, False, True]
    assert table["source"][0] == str(missing)
    assert "missing.hea" in table["problem"][0]
    assert "truncated" in table["problem"][2]


def test_nothing_gives_an_empty_table(detector):
    for nothing in ([], iter(()), RecordSet(np.zeros((0, 12, 400)))):
        table = score_records(detector, nothing)
        assert table.columns.tolist() == COLUMNS
        assert len(table) == 0


def test_a_generator_is_taken_one_after_another(detector, ecgs):
    drawn = []

    def generate():
        for record in records_of(ecgs[:3]):
            drawn.append(record.record_id)
            yield record
        yield Record(ecgs[0, :, :10], record_id="short")
        drawn.append("too far")

    with pytest.raises(SignalError, match="'short'"):
        score_records(detector, generate())
    assert drawn == ["r0", "r1", "r2"]


def test_options_are_checked(detector):
    with pytest.raises(ValueError, match="aggregate must be one of"):
        score_records(detector, [], aggregate="max")
    with pytest.raises(ValueError, match="errors must be"):
        score_records(detector, [], errors="ignore")


def test_what_a_model_takes(small, detector, imputing, ecgs):
    assert model_input(detector) == (100.0, STANDARD_LEADS, 12, 400, False, False, False)
    assert model_input(imputing) == (100.0, STANDARD_LEADS, 12, 400, True, False, False)
    on_arrays = small(CAEDetector, fs=250).fit(ecgs)
    assert model_input(on_arrays) == (250.0, STANDARD_LEADS, 12, 400, False, False, False)
    named = small(CAEDetector, leads=["V1", "II"]).fit(ecgs[:, :2])
    assert model_input(named).leads == ("V1", "II")
    nameless = small(CAEDetector).fit(ecgs[:, :2])
    assert model_input(nameless)[1:3] == ((), 2)
    with pytest.raises(SignalError, match=r"names of its 2 leads.*leads="):
        score_records(nameless, [])


def test_a_model_of_one_lead(small, ecgs):
    records = RecordSet(ecgs, leads=STANDARD_LEADS)
    single = small(CAEDetector).fit(RecordSet(ecgs[:, 1:2], leads=["II"]))
    np.testing.assert_allclose(
        scores(single, records), single.score_samples(ecgs[:, 1:2]), rtol=1e-7
    )
    only = [Record(ecgs[0, [1]], leads=["ii"])]
    np.testing.assert_allclose(scores(single, only), scores(single, records[:1]), rtol=1e-7)


def test_verdicts_are_three(detector, ecgs):
    broken = Record(ecgs[0, :5], leads=STANDARD_LEADS[:5], record_id="few")
    table = score_records(detector, [*records_of(ecgs), broken], errors="report")
    assert set(table["verdict"]) == VERDICTS
    assert table["record_id"].iloc[-1] == "few"
    assert table["n_windows"].dtype.kind == "i"
    assert table["score"].dtype == np.float64


# What is no model


@pytest.mark.parametrize(
    "model",
    [
        CAEDetector(),
        make_pipeline(LeadNormalizer(), CAEDetector()),
        GridSearchCV(CAEDetector(), {"stride": [4]}),
    ],
    ids=["detector", "pipeline", "search"],
)
def test_an_unfitted_model(model):
    with pytest.raises(NotFittedError):
        score_records(model, [])


def test_models_without_a_detector(ecgs, small):
    normalizer = LeadNormalizer().fit(ecgs)
    with pytest.raises(ECGError, match="no detector: it ends in LeadNormalizer"):
        score_records(normalizer, [])
    with pytest.raises(ECGError, match="no detector: it ends in LeadNormalizer"):
        model_input(make_pipeline(normalizer, "passthrough"))
    with pytest.raises(ECGError, match="no detector: it ends in nothing"):
        model_input(Pipeline([("a", "passthrough"), ("b", None)]))
    with pytest.raises(ECGError, match="StandardScaler is no estimator of this package"):
        model_input(StandardScaler().fit(ecgs[:, 0]))


def test_a_search_is_its_best_estimator(small, ecgs):
    halves = PredefinedSplit(np.arange(30) % 2)
    search = GridSearchCV(
        small(CAEDetector), {"n_neighbors": [2]}, cv=halves, scoring=lambda *_: 1.0
    ).fit(RecordSet(ecgs))
    assert detector_of(search) is search.best_estimator_
    best = score_records(search.best_estimator_, records_of(ecgs))
    assert score_records(search, records_of(ecgs)).equals(best)


def test_nested_and_idle_steps(detector, ecgs):
    inner = make_pipeline(None, BandpassFilter().fit(RecordSet(ecgs)), detector)
    model = Pipeline([("idle", "passthrough"), ("inner", inner)])
    assert model_input(model) == model_input(detector)
    assert detector_of(model) is detector
    expected = inner.score_samples(RecordSet(ecgs))
    np.testing.assert_allclose(scores(model, records_of(ecgs)), expected, rtol=1e-7)


def test_the_rate_is_followed_through_the_steps(small, ecgs):
    wrong = make_pipeline(BandpassFilter(lowcut=1, fs=500), small(CAEDetector)).fit(ecgs)
    with pytest.raises(
        SignalError, match="CAEDetector has fs=100, but its input 500 Hz: fit it with fs=500"
    ):
        score_records(wrong, records_of(ecgs, fs=500))
    right = make_pipeline(BandpassFilter(lowcut=1, fs=500), small(CAEDetector, fs=500)).fit(ecgs)
    assert model_input(right).fs == 500
    steps = LeadNormalizer(), Resampler(fs_in=200, fs_out=100), small(CAEDetector)
    assert model_input(make_pipeline(*steps).fit(ecgs)).fs == 200


# What is no record


def test_a_record_by_itself(detector, ecgs, write):
    (record,) = records_of(ecgs[:1])
    assert score_records(detector, record).equals(score_records(detector, [record]))
    path = write("alone", ecgs[0])
    listed = score_records(detector, [path])
    assert score_records(detector, path).equals(listed)
    assert score_records(detector, str(path)).equals(listed)


def test_an_array_lacks_rate_and_leads(detector, ecgs):
    with pytest.raises(SignalError, match=r"wrap it as RecordSet\(X, fs=\.\.\.\)"):
        score_records(detector, ecgs)


def test_a_record_without_a_usable_lead(imputing, ecgs):
    foreign = Record(ecgs[0, :2], leads=["ECG1", "RESP"], record_id="foreign")
    with pytest.raises(SignalError, match=r"'foreign': no sample .*present are ECG1, RESP"):
        score_records(imputing, [foreign])
    gone = Record(np.full((12, 400), np.nan), record_id="gone")
    part = make_ecg(1, duration=12, random_state=1).X[0]
    part[:, 300:900] = np.nan
    gap = Record(part, record_id="gap")
    table = score_records(imputing, [gone, gap, *records_of(ecgs[:1])], errors="report")
    assert table["verdict"].eq("not scorable").tolist() == [True, True, False]
    assert "no sample from 0 to 4 s" in table["problem"][0]
    assert "no sample from 4 to 8 s" in table["problem"][1]
    # one sample in each window is enough to go on with
    part[0, ::100] = 0
    assert np.isfinite(scores(imputing, [gap])).all()


# Lengths


def test_a_model_that_pads_takes_shorter_records(small, ecgs):
    model = make_pipeline(CropOrPad(duration=4), small(CAEDetector)).fit(RecordSet(ecgs))
    lengths = [300, 400, 250, 250, 900]
    long = make_ecg(1, duration=9, random_state=1).X[0]
    records = [Record(long[:, :n], record_id=str(n)) for n in lengths]
    table = score_records(model, records)
    assert table["n_windows"].tolist() == [1, 1, 1, 1, 4]
    expected = [model.score_samples(RecordSet(long[None, :, :n]))[0] for n in lengths[:4]]
    np.testing.assert_allclose(table["score"][:4], expected, rtol=1e-7)
    assert table["score"][4] == scores(model[-1], [records[4]])[0]
    empty = score_records(model, [Record(np.zeros((12, 0)))], errors="report")
    assert "shorter" in empty["problem"][0]


def test_the_windows_of_a_record_are_not_copied_as_a_whole(detector):
    record = Record(np.random.default_rng(0).normal(size=(12, 400_000)).astype(np.float32))
    batch = {}

    class Model(type(detector)):
        def score_samples(self, X):
            batch["shape"] = X.shape
            return np.concatenate([part.mean(axis=(1, 2)) for part in X.batches()])

    model = Model()
    model.__dict__ |= detector.__dict__
    tracemalloc.start()
    try:
        score_records(model, [record])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert batch["shape"] == (1999, 12, 400)
    assert peak < 1.1 * record.signal.nbytes
