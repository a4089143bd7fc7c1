"""The one HTML document of the dashboard: Streamlit's, in the person's language and told where its server is.

Streamlit's script guesses its server from the address and asks below the name of a screen first. Here it is
told, connects at once and asks nothing in vain. What a later Streamlit writes otherwise is left as it is:
then it guesses again.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import streamlit

#: The title until the script of the page sets it.
TITLE: Final = "minuterisk"
#: Known to Streamlit's script under this name. The same text for everybody, so that one hash allows it.
SCRIPT: Final = (
    "window.__streamlit = {BACKEND_BASE_URL: location.origin + '/', "
    "MAIN_PAGE_BASE_URL: location.origin + '/', "
    "HOST_CONFIG: {allowedOrigins: [location.origin], useExternalAuthToken: false}};"
)


def document(language: str) -> str:
    """The text of the document."""
    text = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    for found, put in (
        (r'<html lang="en">', f'<html lang="{language}">'),
        (r"<title>Streamlit</title>", f"<title>{TITLE}</title>"),
        (r"<head>", f"<head>\n    <script>{SCRIPT}</script>"),
        # Its own letters, which the theme does not use.
        (r'\s*<link\s+rel="preload"[^>]*\bas="font"[^>]*>', ""),
    ):
        text = re.sub(found, lambda _, put=put: put, text, count=1)  # type: ignore[misc]  # put of this turn
    return text


def scripts(text: str) -> list[str]:
    """The scripts that stand in a document itself."""
    return re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
