"""What scikit-learn and the package demand of every transformer."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from ecg_anomaly.preprocessing import TRANSFORMERS


@parametrize_with_checks([transformer() for transformer in TRANSFORMERS])
def test_sklearn_contract(estimator, check):
    check(estimator)
