"""The stores of secrets beside our own, as a process is told of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from autonomy.catalog.services import HttpService
from autonomy.kernel.clock import Clock

from .outbound import Providers
from .ports import SecretProvider

if TYPE_CHECKING:
    from .endpoint import Endpoint


def providers(aws_region: str, aws_allow: Sequence[str], environment: Mapping[str, str], clock: Clock) -> Providers:
    """By prefix; `aws` where its region is named. Who this process is there is in `environment`."""
    if not aws_region:
        return {}

    def aws(endpoint: Callable[[HttpService], Endpoint]) -> SecretProvider:
        # AWS is only spoken where its region is named.
        from .aws import AwsSecrets  # noqa: PLC0415

        return AwsSecrets(endpoint, aws_region, environment, clock, aws_allow)

    return {"aws": aws}
