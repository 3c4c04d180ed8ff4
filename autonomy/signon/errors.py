"""What can go wrong at an identity provider, in our words."""

from __future__ import annotations

from autonomy.kernel.errors import Invalid, Unavailable


def down(why: str) -> Unavailable:
    """The provider does not answer."""
    return Unavailable(
        f"the identity provider cannot be asked: {why}",
        code="sign_on.provider_down",
        hint="who is signed in goes on working; try again later",
    )


def misunderstood(why: str) -> Unavailable:
    """The provider answers something else than it should."""
    return Unavailable(f"the identity provider is not understood: {why}", code="sign_on.provider")


def lost() -> Invalid:
    """Nothing is known of a sign-on, or no longer."""
    return Invalid(
        "this sign-on was not begun in this browser, or is over",
        code="sign_on.state",
        hint="begin again; it may take ten minutes, and needs cookies",
    )
