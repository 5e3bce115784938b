import pytest

from ecg_anomaly.comparison import ComparisonConfig, load_comparison
from ecg_anomaly.detectors import DETECTORS, GatedDetector
from ecg_anomaly.errors import ConfigError
from ecg_anomaly.evaluation import Protocol
from ecg_anomaly.experiment import config_names
from ecg_anomaly.model_selection import FalseAlarmRate


@pytest.mark.parametrize("name", config_names("configs/comparisons"))
def test_shipped_comparisons(name):
    config = load_comparison(name)
    assert config.name == name
    detectors = config.build()
    assert list(detectors) == list(config.detectors)
    assert "random kernels" in detectors
    for detector in detectors.values():
        gated = isinstance(detector, GatedDetector)
        assert gated == (config.data.dataset == "ptbxl")
        last = (detector.detector if gated else detector)[-1]
        assert hasattr(last, "score_samples")
    assert ComparisonConfig.model_validate(config.model_dump(mode="json")) == config


def test_ptbxl_compares_every_detector_of_the_package():
    detectors = load_comparison("ptbxl").build()
    assert {cls.__name__ for cls in DETECTORS} <= set(detectors)
    assert not set(load_comparison("ptbxl").data.train_folds) & {9, 10}


def test_the_protocol():
    config = load_comparison("synthetic")
    assert config.protocol() == Protocol(seeds=(0,), target=FalseAlarmRate(0.05), n_resamples=500)


def test_an_experiment_of_another_rate(tmp_path):
    content = load_comparison("synthetic").model_dump(mode="json")
    content["data"]["fs"] = 250
    with pytest.raises(ConfigError, match="is for 100 Hz, but the data has 250 Hz"):
        ComparisonConfig.model_validate(content).build()
