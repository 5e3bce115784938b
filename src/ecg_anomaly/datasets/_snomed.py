"""The diagnoses that the PhysioNet/CinC Challenge 2021 scores, as SNOMED CT codes.

From dx_mapping_scored.csv of the Challenge (Reyna et al. 2021): thirty codes, of which four pairs
are scored as one diagnosis. The codes of the Challenge 2020 are among them.
"""

from __future__ import annotations

SINUS_RHYTHM = "426783006"

#: Abbreviation of each scored code; the two codes of a pair have one.
SCORED: dict[str, str] = {
    "164889003": "AF",
    "164890007": "AFL",
    "6374002": "BBB",
    "426627000": "Brady",
    "733534002": "LBBB",  # complete (CLBBB)
    "164909002": "LBBB",
    "713427006": "RBBB",  # complete (CRBBB)
    "59118001": "RBBB",
    "270492004": "IAVB",
    "713426002": "IRBBB",
    "39732003": "LAD",
    "445118002": "LAnFB",
    "251146004": "LQRSV",
    "698252002": "NSIVCB",
    SINUS_RHYTHM: "NSR",
    "284470004": "PAC",
    "63593006": "PAC",  # supraventricular premature beats (SVPB)
    "10370003": "PR",
    "365413008": "PRWP",
    "427172004": "PVC",
    "17338001": "PVC",  # ventricular premature beats (VPB)
    "164947007": "LPR",
    "111975006": "LQT",
    "164917005": "QAb",
    "47665007": "RAD",
    "427393009": "SA",
    "426177001": "SB",
    "427084000": "STach",
    "164934002": "TAb",
    "59931005": "TInv",
}

#: Columns of the scored diagnoses: 26.
SCORED_NAMES: tuple[str, ...] = tuple(sorted(set(SCORED.values()), key=str.lower))

#: The nine classes of CPSC 2018, under their own names and the codes that the Challenge gave them.
CPSC_2018: dict[str, str] = {
    "Normal": "Normal",
    SINUS_RHYTHM: "Normal",
    "AF": "AF",
    "164889003": "AF",
    "I-AVB": "I-AVB",
    "270492004": "I-AVB",
    "LBBB": "LBBB",
    "164909002": "LBBB",
    "RBBB": "RBBB",
    "59118001": "RBBB",
    "PAC": "PAC",
    "284470004": "PAC",
    "PVC": "PVC",
    "164884008": "PVC",
    "STD": "STD",
    "429622005": "STD",
    "STE": "STE",
    "164931005": "STE",
}
CPSC_2018_NAMES = ("Normal", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE")
