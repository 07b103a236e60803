"""The languages are complete: nothing missing, nothing doubtful, the same holes to fill."""

import re

import pytest
from babel.messages.catalog import Catalog, Message

from fairgate.web import catalogues

HOLE = re.compile(r"%\((\w+)\)s")
TAG = re.compile(r"<[^>]*>")


@pytest.fixture(scope="module")
def sources() -> Catalog:
    return catalogues.template()


def forms(message: Message) -> list[str]:
    return list(message.string) if isinstance(message.string, tuple) else [message.string]


def originals(message: Message) -> list[str]:
    return list(message.id) if isinstance(message.id, tuple) else [message.id]


def test_the_sources_have_texts(sources: Catalog) -> None:
    assert len(sources) > 200


def test_texts_carry_no_markup(sources: Catalog) -> None:
    """Whoever translates sees sentences, and cannot break a page."""
    assert [m.id for m in sources if m.id and any(TAG.search(text) for text in originals(m))] == []


def test_a_receipt_has_one_name_in_spanish() -> None:
    """Who was given a comprobante does not look for a recibo."""
    catalogue = catalogues.read("es", catalogues.catalogues()["es"])
    assert [m.id for m in catalogue if any(re.search(r"\brecibos?\b", text, re.IGNORECASE) for text in forms(m))] == []


@pytest.mark.parametrize("language", sorted(catalogues.catalogues()))
class TestEveryLanguage:
    @pytest.fixture
    def catalogue(self, language: str) -> Catalog:
        return catalogues.read(language, catalogues.catalogues()[language])

    def test_has_exactly_the_texts_of_the_sources(self, catalogue: Catalog, sources: Catalog) -> None:
        wanted = {(m.context, str(m.id)) for m in sources if m.id}
        found = {(m.context, str(m.id)) for m in catalogue if m.id}
        assert wanted - found == set(), "run `python -m fairgate.web.catalogues update`, then translate"
        assert found - wanted == set(), "run `python -m fairgate.web.catalogues update`"
        assert not catalogue.obsolete

    def test_has_nothing_empty_and_nothing_doubtful(self, catalogue: Catalog) -> None:
        assert [m.id for m in catalogue if m.id and not all(forms(m))] == []
        assert [m.id for m in catalogue if m.id and m.fuzzy] == []

    def test_fills_the_same_holes(self, catalogue: Catalog) -> None:
        for message in catalogue:
            if message.id:
                wanted = set(HOLE.findall("".join(originals(message))))
                for form in forms(message):
                    assert set(HOLE.findall(form)) == wanted, message.id
                    assert not form.replace("%(", "").count("%"), message.id

    def test_ends_sentences_as_the_sources_do(self, catalogue: Catalog) -> None:
        for message in catalogue:
            if message.id and not message.context:
                for original, form in zip(originals(message), forms(message), strict=True):
                    assert (original[-1] in ".?:") == (form[-1] in ".?:"), (original, form)
                    assert original == original.strip(), original
                    assert form == form.strip(), form
