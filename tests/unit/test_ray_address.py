"""An address that can be no head of a cluster is refused before anything is started."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigurationError
from pipeline.settings import load_settings
from pipeline.shards.opening import carrier_of


@pytest.mark.parametrize(
    "address", ["8.8.8.8:6379", "[2001:4860:4860::8888]:6379", "10.0.0.5:0", "head:65536"]
)
def test_it_is_refused_by_its_name(address: str) -> None:
    values = {"SOURCE_URL": "postgresql://u@db/x", "CARRIER": "ray", "RAY_ADDRESS": address}
    settings = load_settings({f"MINUTERISK_{name}": value for name, value in values.items()})
    with pytest.raises(ConfigurationError, match=r"MINUTERISK_RAY_ADDRESS") as refused:
        carrier_of(settings)
    assert address in refused.value.what


@pytest.mark.parametrize("address", ["10.0.0.5:6379", "[fd00::5]:6379", "head:6379"])
def test_one_of_a_private_network_and_a_name_are_taken(address: str) -> None:
    values = {"SOURCE_URL": "postgresql://u@db/x", "CARRIER": "ray", "RAY_ADDRESS": address}
    carrier_of(load_settings({f"MINUTERISK_{name}": value for name, value in values.items()}))
