"""Signatures: only holders of the secret can make them, and each holds for one text and one purpose."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from word_counter.security.signing import make_secret, sign, verify

TEXTS = st.text(st.characters(), max_size=50)
SECRETS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)


@given(TEXTS, SECRETS)
def test_what_was_signed_verifies(text: str, secret: str) -> None:
    assert verify(text, sign(text, secret), secret)


@given(TEXTS, TEXTS, SECRETS)
def test_a_signature_holds_for_its_text_alone(text: str, other: str, secret: str) -> None:
    assert verify(other, sign(text, secret), secret) is (other == text)


@given(TEXTS, SECRETS, SECRETS)
def test_a_signature_holds_for_its_secret_alone(text: str, secret: str, other: str) -> None:
    assert verify(text, sign(text, secret), other) is (other == secret)


@given(TEXTS, SECRETS)
def test_junk_is_no_signature(junk: str, secret: str) -> None:
    assert not verify("text", junk, secret)


def test_a_signature_holds_for_its_purpose_alone() -> None:
    signature = sign("text", "secret", purpose="spec")
    assert verify("text", signature, "secret", purpose="spec")
    assert not verify("text", signature, "secret")
    assert not verify("plan\0text", signature, "secret")


def test_a_signature_is_the_hmac_of_purpose_and_text() -> None:
    expected = hmac.new(b"secret", b"payload\0text", hashlib.sha256).hexdigest()
    assert sign("text", "secret") == expected


@pytest.mark.parametrize("signature", ["", "0" * 64, "é" * 64, "\udc80"])
def test_without_a_secret_nothing_verifies(signature: str) -> None:
    assert not verify("text", signature, "")


def test_without_a_secret_nothing_can_be_signed() -> None:
    with pytest.raises(ValueError, match="secret"):
        sign("text", "")


def test_secrets_differ_and_fit_an_environment_variable() -> None:
    first, second = make_secret(), make_secret()
    assert first != second
    assert len(first) == 64
    assert first.isalnum()
