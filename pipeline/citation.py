"""Citations: what each exhibit rests on, as the findings tell it, so that it can be run again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pipeline.answer import Answer
from pipeline.exhibit import EXHIBITS, Exhibit
from pipeline.finding import Asked, Figure
from pipeline.query import queries


def of_incident(answers: Mapping[str, Answer], number: int, incident: str) -> Iterator[Figure]:
    """The exhibits of an incident's chapter."""
    asked = {name: [_asked(answer)] for name, answer in answers.items()}
    for exhibit in EXHIBITS:
        yield _figure(exhibit.numbered(number), exhibit, asked, incident)


def of_document(
    exhibits: Iterable[Exhibit], answers: Mapping[str, Sequence[Answer]]
) -> Iterator[Figure]:
    """Exhibits that are of no incident; a query may have been asked more than once for them."""
    asked = {name: [_asked(answer) for answer in each] for name, each in answers.items()}
    for exhibit in exhibits:
        yield _figure(exhibit.id, exhibit, asked, None)


def _figure(
    id_: str, exhibit: Exhibit, asked: Mapping[str, list[Asked]], incident: str | None
) -> Figure:
    behind = [each for name in exhibit.queries for each in asked[name]]
    first = behind[0]
    return Figure(
        id=id_,
        title=exhibit.title,
        query=first.query,
        parameters=first.parameters,
        sha256=first.sha256,
        rows=first.rows,
        incident=incident,
        queries=behind,
    )


def _asked(answer: Answer) -> Asked:
    """A query as it was run."""
    query = queries()[answer.query]
    return Asked(
        query=query.path,
        parameters=answer.told,
        sha256=answer.sha256,
        rows=answer.frame.height,
        digest=query.digest,
    )
