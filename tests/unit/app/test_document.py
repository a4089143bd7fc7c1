"""What of Streamlit's document is replaced. One that a later Streamlit writes otherwise fails here alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit

from app.gate.document import SCRIPT, document, scripts

if TYPE_CHECKING:
    import pytest

STREAMLITS = Path(streamlit.__file__).parent / "static" / "index.html"


def test_the_document_is_in_the_persons_language_and_told_where_its_server_is() -> None:
    text = document("ko")
    assert '<html lang="ko">' in text
    assert "<title>minuterisk</title>" in text
    assert scripts(text)[0] == SCRIPT  # before Streamlit's own looks
    assert 'as="font"' not in text
    assert '<html lang="en">' in document("en")


def test_everything_else_is_streamlits() -> None:
    ours, theirs = document("en").splitlines(), STREAMLITS.read_text(encoding="utf-8").splitlines()
    assert {line.strip() for line in ours} - {line.strip() for line in theirs} == {
        f"<script>{SCRIPT}</script>",
        "<title>minuterisk</title>",
    }


def test_its_script_still_reads_what_it_is_told() -> None:
    written = "".join(
        path.read_text(encoding="utf-8") for path in STREAMLITS.parent.glob("static/js/index.*.js")
    )
    for name in ("window.__streamlit", "BACKEND_BASE_URL", "MAIN_PAGE_BASE_URL", "HOST_CONFIG"):
        assert name in written


def test_a_document_that_is_written_otherwise_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "<!DOCTYPE html><html lang='en' class='x'><HEAD><title>Another</title></HEAD></html>"
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "index.html").write_text(other)
    monkeypatch.setattr(streamlit, "__file__", str(tmp_path / "__init__.py"))
    assert document("ko") == other
