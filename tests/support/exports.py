"""One ECG as each format has it: what hospitals export, made by their own libraries or by hand."""

from __future__ import annotations

import base64
import io
import warnings

import numpy as np

CODES = {"I": 1, "II": 2, "III": 61, "aVR": 62, "aVL": 63, "aVF": 64,
         **{f"V{k}": k + 2 for k in range(1, 7)}}  # fmt: skip


def edf(signal, fs, leads, *, unit="uV", others=()):
    """Return the bytes of an EDF file; `signal` is in mV."""
    import datetime

    import edfio

    scale = {"uV": 1000, "mV": 1, "mmHg": 1}[unit]
    signals = [
        edfio.EdfSignal(
            scale * row.astype(float),
            fs,
            label=f"ECG {lead}",
            physical_dimension=unit,
            physical_range=(-10 * scale, 10 * scale),
        )
        for row, lead in zip(signal, leads, strict=True)
    ]
    signals += [edfio.EdfSignal(row, fs, label=name, physical_dimension="uV",
                                physical_range=(-9, 9)) for name, row in others]  # fmt: skip
    patient = edfio.Patient(code="MRN1", sex="F", birthdate=datetime.date(1970, 5, 1))
    recording = edfio.Recording(startdate=datetime.date(2020, 5, 1))
    began = datetime.time(10, 11, 12)
    # annotations make it EDF+, in which the patient's fields have a meaning
    notes = [edfio.EdfAnnotation(0, None, "start")]
    made = edfio.Edf(
        signals, patient=patient, recording=recording, starttime=began, annotations=notes
    )
    file = io.BytesIO()
    made.write(file)
    return file.getvalue()


def group(signal, fs, leads, *, offset=0.0, originality="ORIGINAL", unit="uV", padding=None):
    """Return an item of a DICOM WaveformSequence; NaN becomes the padding value."""
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    item = Dataset()
    item.MultiplexGroupTimeOffset = offset
    item.WaveformOriginality = originality
    item.NumberOfWaveformChannels, item.NumberOfWaveformSamples = signal.shape
    item.SamplingFrequency = fs
    channels = []
    for lead in leads:
        source, units, channel = Dataset(), Dataset(), Dataset()
        source.CodeValue = f"5.6.3-9-{CODES.get(lead, 99)}"
        source.CodingSchemeDesignator = "SCPECG"
        source.CodeMeaning = f"Lead {lead}"
        units.CodeValue, units.CodingSchemeDesignator = unit, "UCUM"
        units.CodeMeaning = unit
        channel.ChannelSourceSequence = Sequence([source])
        channel.ChannelSensitivity = 2.5
        channel.ChannelSensitivityUnitsSequence = Sequence([units])
        channel.ChannelSensitivityCorrectionFactor = 2
        channel.ChannelBaseline = 10
        channel.WaveformBitsStored = 16
        channels.append(channel)
    item.ChannelDefinitionSequence = Sequence(channels)
    item.WaveformBitsAllocated, item.WaveformSampleInterpretation = 16, "SS"
    scale = {"uV": 1000, "mV": 1, "mmHg": 1}[unit]
    stored = np.rint((scale * np.nan_to_num(signal) - 10) / 5)
    if padding is not None:
        stored[np.isnan(signal)] = padding
        item.WaveformPaddingValue = np.int16(padding).tobytes()
    item.WaveformData = stored.astype("<i2").T.tobytes()
    return item


def dicom(*groups, **elements):
    """Return the bytes of a DICOM file with groups of leads, and other elements than usual."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.sequence import Sequence
    from pydicom.uid import ExplicitVRLittleEndian, TwelveLeadECGWaveformStorage, generate_uid

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = TwelveLeadECGWaveformStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset("rec", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = TwelveLeadECGWaveformStorage
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.PatientID, dataset.PatientAge, dataset.PatientSex = "MRN1", "050Y", "F"
    dataset.AcquisitionDateTime = "20200501101112"
    for name, value in elements.items():
        setattr(dataset, name, value)
    dataset.WaveformSequence = Sequence(groups)
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def aecg(signal, fs, leads, *, unit="uV", entity="", name="MRN1"):
    """Return the bytes of an HL7 aECG file."""
    scale = {"uV": 1000, "mV": 1}.get(unit, 1)
    sequences = "".join(
        f'<component><sequence><code code="MDC_ECG_LEAD_{lead.upper()}"/>'
        '<value xsi:type="SLIST_PQ">'
        f'<origin value="0" unit="{unit}"/><scale value="{scale * 0.0025}" unit="{unit}"/><digits>'
        + " ".join(map(str, np.rint(row / 0.0025).astype(int)))
        + "</digits></value></sequence></component>"
        for row, lead in zip(signal, leads, strict=True)
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
{entity}<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<id root="1"/><effectiveTime><center value="20200501101112"/></effectiveTime>
<componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject>
<id root="1.2" extension="{name}"/><subjectDemographicPerson>
<administrativeGenderCode code="F"/><birthTime value="19700501"/>
</subjectDemographicPerson></trialSubject></subject></subjectAssignment></componentOf>
</timepointEvent></componentOf>
<component><series><code code="RHYTHM"/><effectiveTime><low value="20200501101112"/></effectiveTime>
<component><sequenceSet><component><sequence><code code="TIME_ABSOLUTE"/>
<value xsi:type="GLIST_TS"><head value="20200501101112"/><increment value="{1 / fs!r}" unit="s"/>
</value></sequence></component>{sequences}</sequenceSet></component></series></component>
</AnnotatedECG>""".encode()


def sierra(signal, fs, leads, *, entity="", utf16=False):
    """Return the bytes of a Philips Sierra file, its samples in Base64."""
    stored = np.rint(1000 * signal / 5).astype("<i2")
    text = f"""<?xml version="1.0" encoding="{"utf-16" if utf16 else "UTF-8"}"?>
{entity}<restingecgdata xmlns="http://www3.medical.philips.com">
<documentinfo><documenttype>SierraECG</documenttype><documentversion>1.03</documentversion>
</documentinfo><patient><generalpatientdata><patientid>MRN1</patientid><age><years>50</years></age>
<sex>Female</sex></generalpatientdata></patient>
<dataacquisition date="2020-05-01" time="10:11:12"><signalcharacteristics>
<samplingrate>{fs}</samplingrate><signalresolution>5</signalresolution>
<numberchannelsvalid>{len(leads)}</numberchannelsvalid></signalcharacteristics></dataacquisition>
<waveforms><parsedwaveforms dataencoding="Base64" compression="Uncompressed"
 leadlabels="{" ".join(leads)}" numberofleads="{len(leads)}" samplespersecond="{fs}"
 durationperchannel="{1000 * signal.shape[1] / fs:g}">{base64.b64encode(stored.tobytes()).decode()}
</parsedwaveforms></waveforms></restingecgdata>"""
    return text.encode("utf-16" if utf16 else "utf-8")
