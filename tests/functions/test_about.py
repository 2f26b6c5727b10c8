"""What anybody may read: the description for programs and for people, and what the problems mean."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from functions.api import app
from functions.api.about import problem_types
from functions.api.openapi import document
from tests.functions.conftest import EVENTS, Stack
from tiro.errors import ScopeMissing, TiroError


def read(path: str, **headers: str) -> Any:
    """Call as somebody without a key does: no authorizer ran."""
    from functions.api import handler

    event = json.loads((EVENTS / "rest_api.json").read_text())
    event |= {"httpMethod": "GET", "path": path, "headers": headers}
    del event["requestContext"]["authorizer"]
    return handler(event, None)


class Page(HTMLParser):
    """Fails on a tag that is not closed; collects where the page leads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.tags: set[str] = set()
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.tags.add(tag)
        self.ids |= {told["id"] or ""} if "id" in told else set()
        self.links |= {value or "" for name, value in attrs if name in ("href", "src", "action")}
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_document_is_served_to_anybody(stack: Stack) -> None:
    answer = read("/openapi.json")
    assert answer["statusCode"] == 200
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/json"]
    assert json.loads(answer["body"]) == document(app())


def test_the_page_is_whole_and_takes_nothing_from_elsewhere(stack: Stack) -> None:
    answer = read("/docs")
    assert answer["multiValueHeaders"]["Content-Type"] == ["text/html; charset=utf-8"]
    assert "default-src 'none'" in answer["multiValueHeaders"]["Content-Security-Policy"][0]
    page = Page(answer["body"])
    assert not page.tags & {"script", "img", "link", "iframe", "form"}
    assert {link.removeprefix("#") for link in page.links if link.startswith("#")} <= page.ids
    others = {link for link in page.links if not link.startswith("#")}
    assert others == {"openapi.json", *(f"problems/{code}" for code in problem_types())}


def test_the_page_tells_every_operation_and_every_shape(stack: Stack) -> None:
    told, page = document(app()), Page(read("/docs")["body"])
    operations = {operation["operationId"] for methods in told["paths"].values() for operation in methods.values()}
    assert operations | {f"shape-{name}" for name in told["components"]["schemas"]} <= page.ids


@pytest.mark.parametrize("problem", problem_types().values(), ids=problem_types())
def test_a_problem_s_type_leads_to_what_it_means(stack: Stack, problem: type[TiroError]) -> None:
    path = problem().problem().type
    for_programs = read(path)
    told = json.loads(for_programs["body"])
    assert (told["type"], told["code"], told["title"], told["status"], told["retryable"]) == (
        path,
        problem.code,
        problem.title,
        problem.status,
        problem.retryable,
    )
    for_people = read(path, accept="text/html,application/xhtml+xml;q=0.9")
    assert for_people["multiValueHeaders"]["Content-Type"] == ["text/html; charset=utf-8"]
    assert Page(for_people["body"]).links == {"../docs#problems"}
    assert told["meaning"] == " ".join((problem.__doc__ or "").split()) != ""


def test_a_problem_is_explained_by_its_own_words_and_not_by_its_parent_s(stack: Stack) -> None:
    assert "`tiro keys list`" in (ScopeMissing.__doc__ or "")
    meanings = [json.loads(read(f"/problems/{code}")["body"])["meaning"] for code in ("scope_missing", "job_not_found")]
    assert "tiro keys list" in meanings[0]
    assert "no job is made" not in meanings[1]


@pytest.mark.parametrize("code", ["nothing", "<script>alert(1)</script>", "..%2F..%2Fetc", "é"])
def test_what_is_no_problem_is_not_there(stack: Stack, code: str) -> None:
    answer = read(f"/problems/{code}", accept="text/html")
    assert answer["statusCode"] == 404
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]


def test_every_code_in_the_document_is_a_problem_that_is_explained() -> None:
    assert set(re.findall(r"problems/(\w+)\)", json.dumps(document(app())))) <= set(problem_types())
