"""HL7 aECG and Sierra files as carts write them: scales, names, prefixes, lengths."""

import re

import exports
import numpy as np
import pytest

from ecg_anomaly import make_ecg
from ecg_anomaly.errors import RecordFileError
from ecg_anomaly.findings import FindingKind
from ecg_anomaly.io import read_record
from ecg_anomaly.leads import STANDARD_LEADS

FS = 250
SCALE, ORIGIN = b'<scale value="2.5" unit="uV"/>', b'<origin value="0" unit="uV"/>'


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(1, fs=FS, duration=4, random_state=0).X[0]


@pytest.fixture(scope="module")
def aecg(ecg):
    content = exports.aecg(ecg, FS, STANDARD_LEADS)
    assert content.count(SCALE) == content.count(ORIGIN) == 12
    return content


@pytest.fixture
def read(tmp_path):
    def read(content):
        (tmp_path / "rec.xml").write_bytes(content)
        return read_record(tmp_path / "rec.xml")

    return read


@pytest.mark.parametrize("value", ["2,5", "nan", "INF", "abc", "", "0", "-2.5"])
def test_scales_that_are_none_are_refused(read, aecg, value):
    scale = f'<scale value="{value}" unit="uV"/>'.encode()
    with pytest.raises(RecordFileError, match="calibration of lead MDC_ECG_LEAD_I "):
        read(aecg.replace(SCALE, scale, 1))


@pytest.mark.parametrize(
    ("value", "unit"), [("1,5", "uV"), ("nan", "uV"), ("", "uV"), ("100", "mmHg"), ("100", "")]
)
def test_origins_that_are_none_are_refused(read, aecg, value, unit):
    origin = f'<origin value="{value}" unit="{unit}"/>'.encode()
    with pytest.raises(RecordFileError, match=r"origin .* of lead MDC_ECG_LEAD_I is no voltage"):
        read(aecg.replace(ORIGIN, origin, 1))


def test_origins_in_another_unit(read, aecg, ecg):
    record = read(aecg.replace(ORIGIN, b'<origin value="0.1" unit="mV"/>'))
    np.testing.assert_allclose(record.signal, ecg + 0.1, atol=3e-3)


def test_a_lead_twice_is_refused(read, aecg, ecg):
    twice = aecg.replace(b'MDC_ECG_LEAD_III"', b'MDC_ECG_LEAD_II"')
    sierra = exports.sierra(ecg, FS, ["I", "II", "II", *STANDARD_LEADS[3:]])
    for content in (twice, sierra):
        with pytest.raises(RecordFileError, match="lead II is there more than once"):
            read(content)


def test_prefixes_and_white_space(read, aecg, ecg):
    prefixed = re.sub(rb"<(/?)([A-Za-z])", rb"<\1h:\2", aecg).replace(b"xmlns=", b"xmlns:h=")
    bare = b"\n  " + aecg.split(b"\n", 1)[1]
    for content in (prefixed, bare, b"\xef\xbb\xbf" + aecg):
        np.testing.assert_allclose(read(content).signal, ecg, atol=3e-3)


def test_other_sequences_are_told_and_measurements_are_not(read, aecg):
    other = (
        b'<component><sequence><code code="MDC_RESP"/><value><origin value="0" unit="mV"/>'
        b'<scale value="1" unit="mV"/><digits>1 2 3</digits></value></sequence></component>'
    )
    rate = (
        b'<subjectOf><annotationSet><component><annotation><code code="MDC_ECG_HEART_RATE"/>'
        b'<value value="60" unit="beats/min"/></annotation></component></annotationSet></subjectOf>'
    )
    record = read(aecg.replace(b"</sequenceSet>", other + b"</sequenceSet>"))
    assert [finding.kind for finding in record.quality] == [FindingKind.EXTRA_CHANNEL]
    assert "MDC_RESP" in record.quality[0].detail
    assert not read(aecg.replace(b"</series>", rate + b"</series>")).quality


PLAIN = b'dataencoding="Plain" compression="Uncompressed"'


@pytest.mark.parametrize("kind", ["base64", "plain", "none", "flag"])
def test_samples_that_would_be_lost_are_refused(read, ecg, kind):
    content = exports.sierra(ecg, FS, STANDARD_LEADS)
    usual = b'dataencoding="Base64" compression="Uncompressed"'
    assert usual in content
    if kind == "plain":
        stored = np.rint(1000 * ecg / 5).astype(int).ravel()
        text = " ".join(map(str, stored)).encode()
        content = re.sub(rb">[^<>]*(?=</parsedwaveforms>)", b">" + text, content)
    how = {"plain": PLAIN, "none": usual.replace(b"Uncompressed", b"None"),
           "flag": b'dataencoding="Base64" compressflag="False" compressmethod="XLI"'}  # fmt: skip
    content = content.replace(usual, how.get(kind, usual))
    np.testing.assert_allclose(read(content).signal, ecg, atol=3e-3)
    for old, new in (("durationperchannel", 3000), ("durationperchannel", 500),
                     ("samplespersecond", 125)):  # fmt: skip
        changed = re.sub(rf'{old}="\d+"'.encode(), f'{old}="{new}"'.encode(), content)
        assert changed != content
        with pytest.raises(RecordFileError, match="but announces"):
            read(changed)


def test_other_series_need_no_scale(read, aecg, ecg):
    beats = (
        b'<component><series><code code="REPRESENTATIVE_BEAT"/><component><sequenceSet><component>'
        b'<sequence><code code="TIME_RELATIVE"/><value><head value="0" unit="s"/>'
        b'<increment value="0.004" unit="s"/></value></sequence></component><component><sequence>'
        b'<code code="MDC_ECG_LEAD_I"/><value><origin value="0" unit="uV"/>'
        b'<scale value="0" unit="uV"/><digits>1 2</digits></value></sequence></component>'
        b"</sequenceSet></component></series></component>"
    )
    record = read(aecg.replace(b"</AnnotatedECG>", beats + b"</AnnotatedECG>"))
    np.testing.assert_allclose(record.signal, ecg, atol=3e-3)
