import numpy as np
import pytest
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_score,
)

from ecg_anomaly import NormalsOnly, RecordSet
from ecg_anomaly.errors import ECGError, LabelError

N = 60
RNG = np.random.default_rng(0)
GROUPS = np.repeat(np.arange(N // 3), 3)
Y = np.where(RNG.uniform(size=N) < 0.4, -1, 1)
X = RNG.normal(size=(N, 2, 20)) + (Y == -1)[:, None, None]

SPLITTERS = {
    "KFold": KFold(4, shuffle=True, random_state=0),
    "StratifiedKFold": StratifiedKFold(4),
    "GroupKFold": GroupKFold(4),
    "StratifiedGroupKFold": StratifiedGroupKFold(4),
    "LeaveOneGroupOut": LeaveOneGroupOut(),
    "PredefinedSplit": PredefinedSplit(np.arange(N) % 5 - 1),
    "pairs": [(np.arange(30), np.arange(30, N)), (np.arange(30, N), np.arange(30))],
}
GROUPED = ("GroupKFold", "StratifiedGroupKFold", "LeaveOneGroupOut")


class MeanDistance(OutlierMixin, BaseEstimator):
    """Score records by the distance of their mean from that of the training records."""

    def __init__(self, weight=1.0):
        self.weight = weight

    def fit(self, X, y=None):
        self.mean_ = np.asarray(X).mean()
        return self

    def score_samples(self, X):
        return -self.weight * np.abs(np.asarray(X).mean((1, 2)) - self.mean_)

    def decision_function(self, X):
        return self.score_samples(X)

    def predict(self, X):
        return np.where(self.score_samples(X) > -0.5, 1, -1)


@pytest.mark.parametrize("name", SPLITTERS)
def test_train_holds_the_normals_of_the_wrapped_splitter(name):
    wrapped = SPLITTERS[name]
    groups = GROUPS if name in GROUPED else None
    expected = list(wrapped if name == "pairs" else wrapped.split(X, Y, groups))
    splitter = NormalsOnly(wrapped)
    got = list(splitter.split(X, Y, groups))
    assert len(got) == len(expected) == splitter.get_n_splits(X, Y, groups) > 1
    for (train, test), (plain_train, plain_test) in zip(got, expected, strict=True):
        np.testing.assert_array_equal(test, plain_test)
        np.testing.assert_array_equal(train, [row for row in plain_train if Y[row] == 1])
        assert set(Y[plain_train]) == {1, -1}
        assert not set(train) & set(test)
        if name in GROUPED:
            assert not set(GROUPS[train]) & set(GROUPS[test])


@pytest.mark.parametrize(("cv", "n_splits"), [(None, 5), (3, 3), (np.int64(4), 4)])
def test_numbers_are_shuffled_stratified_folds(cv, n_splits):
    splits = list(NormalsOnly(cv, random_state=1).split(X, Y))
    expected = StratifiedKFold(n_splits, shuffle=True, random_state=1).split(X, Y)
    assert len(splits) == NormalsOnly(cv).get_n_splits() == n_splits
    for (train, test), (_, plain_test) in zip(splits, expected, strict=True):
        np.testing.assert_array_equal(test, plain_test)
        assert (Y[train] == 1).all()
    again = NormalsOnly(cv, random_state=2).split(X, Y)
    assert any(not np.array_equal(a, b) for (_, a), (_, b) in zip(splits, again, strict=True))


def test_labels_may_be_a_list_and_floats():
    splits = list(NormalsOnly(2, random_state=0).split(X[:6], [1.0, -1.0, 1.0, 1.0, -1.0, 1.0]))
    assert sorted(np.concatenate([test for _, test in splits])) == list(range(6))
    assert not {1, 4} & set(np.concatenate([train for train, _ in splits]))


@pytest.mark.parametrize(
    ("y", "problem"),
    [
        (None, "needs y"),
        (np.arange(N) % 2, r"got \[0, 1\].*np\.where"),
        (np.arange(N) % 2 == 0, r"got \[False, True\]"),
        (np.arange(N) % 3 - 1, r"got \[-1, 0, 1\]"),
        (np.full(N, -1), "train on no normal"),
    ],
)
def test_wrong_labels(y, problem):
    with pytest.raises(LabelError, match=problem) as caught:
        list(NormalsOnly(3).split(X, y))
    assert isinstance(caught.value, ECGError)


def test_a_fold_without_a_normal():
    # the only patient with normals is in one of the test folds
    y = np.where(GROUPS == 0, 1, -1)
    with pytest.raises(LabelError, match="fewer folds"):
        list(NormalsOnly(GroupKFold(4)).split(X, y, GROUPS))


@pytest.mark.parametrize("cv", [0, 1, -3, "five", 2.5])
def test_wrong_cv_is_refused_as_scikit_learn_does(cv):
    with pytest.raises(ValueError, match=r"fold|cross-validation|Expected"):
        list(NormalsOnly(cv).split(X, Y))


def test_grouped_splitters_need_groups():
    with pytest.raises(ValueError, match="groups"):
        list(NormalsOnly(GroupKFold(3)).split(X, Y))


def test_repr_holds_every_parameter():
    splitter = NormalsOnly(StratifiedGroupKFold(3), random_state=7)
    assert repr(splitter) == (
        "NormalsOnly(cv=StratifiedGroupKFold(n_splits=3, random_state=None, shuffle=False),"
        "\n      random_state=7)"
    )


def test_clones_split_alike():
    search = GridSearchCV(MeanDistance(), {"weight": [1.0]}, cv=NormalsOnly(3, random_state=0))
    copy = clone(search).cv
    assert copy is not search.cv
    for (train, test), (other_train, other_test) in zip(
        search.cv.split(X, Y), copy.split(X, Y), strict=True
    ):
        np.testing.assert_array_equal(train, other_train)
        np.testing.assert_array_equal(test, other_test)


@pytest.mark.parametrize("wrap", [np.asarray, RecordSet], ids=["array", "RecordSet"])
def test_cross_val_score_with_patients(wrap):
    cv = NormalsOnly(StratifiedGroupKFold(3))
    scores = cross_val_score(
        MeanDistance(), wrap(X), Y, groups=GROUPS, cv=cv, scoring="roc_auc", error_score="raise"
    )
    assert scores.shape == (3,)
    assert scores.min() > 0.9


def test_the_estimator_never_sees_an_anomaly():
    seen = []

    class Spy(MeanDistance):
        def fit(self, X, y=None):
            seen.append(set(y))
            return super().fit(X)

    cross_val_score(Spy(), X, Y, cv=NormalsOnly(3), scoring="roc_auc", error_score="raise")
    assert seen == [{1}, {1}, {1}]


def test_groups_are_routed():
    sklearn = pytest.importorskip("sklearn")
    from sklearn.dummy import DummyClassifier
    from sklearn.model_selection import GroupKFold, cross_val_score

    y = np.array([1, 1, -1] * 6)
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_val_score(
            DummyClassifier(),
            np.zeros((18, 1)),
            y,
            cv=NormalsOnly(GroupKFold(3)),
            params={"groups": np.arange(18) // 3},
        )
    assert len(scores) == 3
