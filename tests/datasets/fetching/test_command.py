"""The command `fetch`, from a server on this machine."""

import pytest
from typer.testing import CliRunner

from ecg_anomaly import cli
from ecg_anomaly.errors import ECGError

TABLE = """ecg_id,patient_id,scp_codes,strat_fold,filename_lr,filename_hr
1,1,{},1,records100/1_lr,records500/1_hr
2,2,{},2,records100/2_lr,records500/2_hr
3,3,{},9,records100/3_lr,records500/3_hr
4,4,{},9,records100/4_lr,records500/4_hr
"""


@pytest.fixture
def ptbxl(site):
    site.write("ptbxl_database.csv", TABLE.encode())
    site.write("scp_statements.csv", b"any")
    for k in range(1, 5):
        for end in ("lr.hea", "lr.dat"):
            site.write(f"records100/{k}_{end}", b"%d" % k * 1000)
        for end in ("hr.hea", "hr.dat"):
            site.write(f"records500/{k}_{end}", b"%d" % k * 5000)
    site.list_files()
    return site


def run(*arguments):
    result = CliRunner().invoke(cli.app, ["fetch", *map(str, arguments)])
    if isinstance(result.exception, ECGError):
        raise result.exception
    return result


def test_a_part_of_ptbxl(ptbxl, tmp_path):
    out = tmp_path / "here"
    result = run("ptbxl", "--folds", "2,8-10", "--n-records", 2, "--out", out,
                 "--base-url", ptbxl.url)  # fmt: skip
    assert result.exit_code == 0
    assert result.stdout == f"{out}\n"
    told = result.stderr.splitlines()
    assert "PTB-XL: 4 files of records to fetch" in told[-1]
    assert ", 4 kB, into" in told[-1]
    assert {path.name for path in out.glob("records*/*")} == {
        f"{k}_lr.{end}" for k in (2, 3) for end in ("hea", "dat")
    }
    assert run("ptbxl", "--fs", 500, "--out", out, "--base-url", ptbxl.url).exit_code == 0
    assert len(list(out.glob("records500/*"))) == 8


def test_into_the_cache(ptbxl, tmp_path):
    result = run("ptbxl", "--folds", 1, "--base-url", ptbxl.url)
    assert result.stdout == f"{tmp_path / 'cache' / 'ptb-xl' / '1.0.3'}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mitdb", "--folds", "1"], r"--folds does not apply to mitdb"),
        (["ptbxl", "--records", "1"], r"--records does not apply to ptbxl"),
        (["mimic-iv-ecg", "--sources", "a"], r"--sources does not apply to mimic-iv-ecg"),
        (["ptbxl", "--folds", "1-x"], r"--folds must be numbers from 1 to 10 as in 1-8,10, got"),
        (["ptbxl", "--folds", "8-1"], r"--folds must be numbers .* got '8-1'"),
        (["ptbxl", "--folds", "0"], r"numbers from 1 to 10 .* got '0'"),
        (["ptbxl", "--folds", "1-9999999999"], r"from 1 to 10 .* got '1-9999999999'"),
        (["mitdb", "--n-records", "0"], r"n_records must be"),
        (["cinc", "--sources", "mars"], r"has the sources"),
        (["nstdb", "--records", "ma, xx"], r"got \['xx'\]"),
        (["cinc", "--sources", "georgia, mars"], r"got \['mars'\]"),
        (["cpsc2018", "--fs", "500"], r"--fs does not apply to cpsc2018"),
    ],
)
def test_wrong_options_ask_nothing(site, arguments, message):
    with pytest.raises(ECGError, match=message):
        run(*arguments, "--base-url", site.url)
    assert not site.gets
    assert not site.heads


def test_unknown_databases(site):
    result = run("chapman")
    assert result.exit_code == 2
    assert "'mimic-iv-ecg'" in result.stderr
