"""What could not be read is told with its place and its reason, by a command of its own."""

import json
from pathlib import Path

from click.testing import CliRunner

from pipeline.cli import main
from tests.exports import blob, landed, line


def asked(lake: Path, *options: str) -> str:
    done = CliRunner().invoke(main, ["lake", "quarantine", "--lake", str(lake), *options])
    assert done.exit_code == 0, done.output
    return done.output


def test_each_blob_is_named_with_the_first_line_of_each_kind_and_how_many_follow(
    tmp_path: Path,
) -> None:
    lines = (line(0), b"{not json", line(1), b"{nor this", line(2, durationMs="long"))
    one = blob(tmp_path / "in" / "a.json", b"".join(each + b"\n" for each in lines))
    blob(tmp_path / "in" / "b.json", line(3) + b"\n")
    landed(tmp_path / "in", tmp_path / "lake")
    name, first, second = asked(tmp_path / "lake").splitlines()
    assert name == str(one)
    assert first.startswith("  2: not JSON: ")
    assert first.endswith("(and 1 more record of this kind)")
    assert second.startswith("  5: wrong type: ")
    assert "durationMs" in second
    told = json.loads(asked(tmp_path / "lake", "--json"))
    assert [(each["position"], each["records"]) for each in told] == [(2, 2), (5, 1)]


def test_where_nothing_was_refused_it_says_so(tmp_path: Path) -> None:
    blob(tmp_path / "in" / "a.json", line(0) + b"\n")
    landed(tmp_path / "in", tmp_path / "lake")
    assert asked(tmp_path / "lake") == "nothing was refused\n"
    assert asked(tmp_path / "lake", "--json").strip() == "[]"
