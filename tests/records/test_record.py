import numpy as np
import pytest

from ecg_anomaly.errors import ECGError, SignalError
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.records import Record, default_leads


class TestRecord:
    def test_what_it_keeps(self):
        record = Record(np.zeros((2, 500), np.int16), 250, ["ii", "MDC_ECG_LEAD_V1"])
        assert record.signal.dtype == np.float32
        assert record.leads == ("II", "V1")
        assert (record.fs, record.duration) == (250.0, 2.0)

    def test_default_leads(self):
        assert Record(np.zeros((12, 5))).leads == STANDARD_LEADS
        assert Record(np.zeros((2, 5))).leads == ("lead1", "lead2")
        assert default_leads(1) == ("lead1",)
        assert Record().signal.shape == (0, 0)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"signal": np.zeros(5)}, "shape"),
            ({"signal": np.zeros((2, 5), complex)}, "real array"),
            ({"signal": np.zeros((2, 5), object)}, "real array"),
            ({"fs": 0}, "positive number in Hz"),
            ({"fs": np.nan}, "positive number in Hz"),
            ({"fs": "fast"}, "positive number in Hz"),
            ({"leads": ["I"]}, "2 leads in the signal, but 1 lead names"),
            ({"leads": ["I", "i"]}, "more than once"),
        ],
    )
    def test_errors_name_the_record(self, arguments, message):
        with pytest.raises(SignalError, match=f"record 'a7': .*{message}") as caught:
            Record(**{"signal": np.zeros((2, 5)), "record_id": "a7", **arguments})
        assert isinstance(caught.value, ECGError)

    def test_select_leads(self):
        record = Record(np.array([[1.0], [3.0]]), leads=["I", "II"], record_id="a7")
        assert record.select_leads(["III", "I"]).ravel().tolist() == [2.0, 1.0]
        with pytest.raises(SignalError, match=r"record 'a7': .*V1 are missing"):
            record.select_leads(["V1"])
