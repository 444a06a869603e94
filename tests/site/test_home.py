"""The home pages: what they show is computed, and an explorer runs."""

import inspect

import pytest
import torch

import lossbook
from tests.site.pages import WebPage
from tools.book import LANGUAGES, REFERENCE


def my_loss(logits, labels):
    """The loss of the home pages: their code is compared with English by tests/book/test_parity.py."""
    return -torch.log_softmax(logits, dim=0)[range(len(labels)), labels].mean()


@pytest.mark.parametrize("language", LANGUAGES)
def test_home_prints_what_verify_says(language):
    article = WebPage(f"book/{language}/index").soup.article
    source = article.select_one(".highlight-python pre").get_text()
    assert inspect.getsource(my_loss).splitlines()[-1] in source
    lossbook.set_language(language)
    assert (
        article.select_one(".cell_output pre").get_text().strip() == lossbook.verify(my_loss, "cross_entropy").diagnosis
    )
    lossbook.set_language(REFERENCE)
    assert article.select_one("figure.explorer[data-loss=huber]")
