"""Questions -> heads, in seconds. Deterministic: the same questions and encoder give the same bytes of weights."""

from __future__ import annotations

import io
import json
import random
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from bot.content.encoder import EncoderCard, GlanceCard, HeadsCard, LanguageThresholds
from bot.content.questions import Question, questions_digest
from bot.conversation.glance import PLACES, SHARE, places
from bot.conversation.language import after_title, folded
from bot.conversation.library import OUT_OF_SCOPE
from bot.conversation.matching import URGENCIES, between, between_on_dosing
from bot.conversation.spelling import count_words
from bot.vocabulary import Encoder, Urgency, Vector

Floats = npt.NDArray[np.float64]
Titles = Mapping[tuple[str, str], str]
STRENGTH = 3.0
"""
Inverse regularisation of every head. The encoder has learnt our questions, so that heads of 10 are sure of what is not
near any of them: with 3 two in a hundred calm messages fewer sounded like self-harm at the same recall.
"""
FOLDS = 3
FALSE_ALARMS = {Urgency.EMERGENCY: 0.025, Urgency.SELF_HARM: 0.03, Urgency.SAFEGUARDING: 0.02}
"""Share of harmless questions of ours, look-alikes in the main, that may raise each alarm: it sets the thresholds."""
FALSE_DOSING = 0.03
WRONG_ANSWERS = 0.15
"""Share of wrong among answered topics that sets the bar for answering, on folds that the heads have not seen."""
OFFER_FROM = 0.08
"""Below this a topic is not even offered: of our out-of-scope questions few reach it with a wrong topic."""
TALK_STRENGTH, TURN_WEIGHT = 3.0, 6.0
"""
Inverse regularisation of the head for talks, and the weight of a turn in it beside a question by itself. Of strengths of 1 to
20 and weights of 2 to 6 these, fitted on a third of the questions, gave the most turns of others' talks their topic, by little: 424 of 499, others 416 to 418.
"""
GRAVE_ONES, CALM_ONES = 3, 8
"""Every so many-th question with a danger or a request for dosing, and without, is also read beside a calm one."""
ASIDE = 0.25
"""Share of calm questions beside calm ones that may be read in parts: what it costs is time."""
HASTY = 0.2
"""Share of harmless questions of ours that may be read first, at a glance: nothing but the order hangs on it."""
GLANCE_STRENGTH = 10.0
"""Inverse regularisation of the glance: of 1, 3 and 10 this found the most dangers in other people's words."""
LOUDEST = 0.9
"""No threshold is higher than this."""
QUIETEST = {
    "en": LanguageThresholds(emergency=0.07, self_harm=0.04, safeguarding=0.06, dosing=0.04),
    "es": LanguageThresholds(emergency=0.09, self_harm=0.08, safeguarding=0.05, dosing=0.03),
    "ru": LanguageThresholds(emergency=0.2, self_harm=0.03, safeguarding=0.04, dosing=0.2),
}
"""
By language: no threshold is lower than these. The encoder has learnt our own questions, so they would set it too low
for others': these were found on labelled questions by others and on our own test questions together, for recalls about
96, 92, 88 and 95 % at the fewest false alarms. A language that is not here has those of the first.
"""
SURE_ENOUGH = 0.54
"""No topic is answered below this probability, found in the same way: four of five questions are answered."""


@dataclass(frozen=True)
class Labels:
    """What is true of rows, a place for each row; and the fold in which it is judged."""

    truths: npt.NDArray[np.bool_]
    """Rows x urgencies."""
    dosing: npt.NDArray[np.bool_]
    topics: npt.NDArray[np.str_]
    spoken: npt.NDArray[np.str_]
    fold: npt.NDArray[np.int_]

    @classmethod
    def of(cls, rows: Sequence[Question]) -> Labels:
        """The labels of rows; a sub-meaning is in one fold."""
        return cls(
            np.array([[u in row.urgencies for u in URGENCIES] for row in rows]),
            np.array([row.dosing for row in rows]),
            np.array([row.topic for row in rows]),
            np.array([row.language for row in rows]),
            np.array([fold_of(row) for row in rows]),
        )

    @cached_property
    def names(self) -> list[str]:
        """The topics that there are, in order."""
        return sorted(set(self.topics.tolist()))


@dataclass(frozen=True)
class Witnesses:
    """The topics that tell of each danger, and those that tell of dosing."""

    urgencies: dict[Urgency, tuple[str, ...]]
    dosing: tuple[str, ...]

    @classmethod
    def among(cls, rows: Sequence[Question]) -> Witnesses:
        """As the rows have it."""
        found = {urgency: topics_that_tell(rows, partial(tells_of, urgency)) for urgency in URGENCIES}
        return cls({u: topics for u, topics in found.items() if topics}, topics_that_tell(rows, lambda row: row.dosing))


@dataclass(frozen=True)
class Scores:
    """What heads say of rows: rows x urgencies, rows, rows x the topics in order."""

    urgency: Floats
    dosing: Floats
    shares: Floats


def fit_heads(
    rows: Sequence[Question],
    titles: Titles,
    encoder: Encoder,
    folder: Path,
    cache: Path,
    say: Callable[[str], None],
) -> HeadsCard:
    """
    Fit the heads on the vectors of the encoder that serves, and write heads.npz, words.json and heads.json into `folder`.

    Thresholds come from cross-validation by sub-meaning: no row is judged by heads that saw its group.

    Args:
        titles: by language and topic, what a follow-up is read after.
    """
    say(f"encoding {len(rows)} questions")
    encoder_card = EncoderCard.model_validate_json((folder / "card.json").read_bytes())
    encoder_hash = encoder_card.files["encoder.onnx"].sha256
    turns = [replace(row, after=None) for row in rows if row.after]
    beside = in_company(rows)
    every = encoded([*rows, *turns, *beside], titles, encoder, vectors_of(encoder_hash, cache))
    vectors, alone, accompanied = np.split(every, [len(rows), len(rows) + len(turns)])
    labels, witnesses = Labels.of(rows), Witnesses.among(rows)
    company = Company(np.vstack([vectors, accompanied]), Labels.of([*rows, *beside]), len(rows))
    say("fitting the glance")
    glance, glance_card, glanced = fit_glance(rows, np.column_stack([labels.truths, labels.dosing]), labels.fold)
    say("cross-validating by sub-meaning")
    scores = agreed(judged_apart(vectors, labels), witnesses, glanced, labels.names)
    thresholds = {code: thresholds_for(scores, labels, code) for code in sorted(set(labels.spoken.tolist()))}
    say("fitting on all")
    topics, weights = fit_all(rows, vectors, alone, labels, company)
    known = json.dumps(count_words((row.language, row.text) for row in rows), ensure_ascii=False, indent=0).encode()
    (folder / "heads.npz").write_bytes(weights)
    (folder / "glance.npz").write_bytes(glance)
    (folder / "words.json").write_bytes(known)
    card = HeadsCard(
        questions_sha256=questions_digest(tuple(rows)),
        encoder_sha256=encoder_hash,
        weights_sha256=sha256(weights).hexdigest(),
        words_sha256=sha256(known).hexdigest(),
        rows=len(rows),
        topics=topics,
        thresholds=thresholds,
        answer_from=bar_for_answers(scores.shares, labels),
        offer_from=OFFER_FROM,
        aside_from=company.bar(),
        witnesses=witnesses.urgencies,
        dosing_witnesses=witnesses.dosing,
        glance=glance_card,
        figures=figures_of(scores, labels, thresholds),
    )
    (folder / "heads.json").write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return card


def in_company(rows: Sequence[Question]) -> list[Question]:
    """
    Some of the questions, each before or after a calm one of its language and fold, as people tell of a danger and ask about
    something else in one breath. What is calm beside what is calm is there to be told from them.
    """
    calm: dict[tuple[str, int], list[str]] = defaultdict(list)
    for row in rows:
        if not (row.is_turn or is_grave(row)):
            calm[row.language, fold_of(row)].append(row.text.rstrip("."))
    dice, found = random.Random(1), []
    for row in rows:
        others = calm.get((row.language, fold_of(row)))
        if others and not row.is_turn and not dice.randrange(GRAVE_ONES if is_grave(row) else CALM_ONES):
            pair = [row.text.rstrip("."), dice.choice(others)]
            dice.shuffle(pair)
            found.append(replace(row, text=dice.choice((". ", ", ", " ", "\n")).join(pair)))
    return found


def is_grave(row: Question) -> bool:
    """Whether a question tells of a danger or asks for dosing."""
    return bool(row.urgencies) or row.dosing


def fold_of(row: Question) -> int:
    """The fold in which a question is judged: that of its sub-meaning."""
    return int(sha256(row.group.encode()).hexdigest(), 16) % FOLDS


@dataclass(frozen=True)
class Company:
    """
    Questions by themselves and, after so many, in company: what the head is fitted on that tells where to read in parts.

    Of 738 dangers of others' beside a calm question it had 647 heard, and of 1,001 labelled messages 40 read in parts, when it was chosen; where
    parts were read wherever a glance saw something, 658 were, and 128 read. As heads for all messages, what is fitted on
    company raises twice the false alarms.
    """

    vectors: Vector
    labels: Labels
    alone: int

    @property
    def truths(self) -> npt.NDArray[np.bool_]:
        """Of each, which dangers it tells of and whether it asks for dosing."""
        return np.column_stack([self.labels.truths, self.labels.dosing])

    def head(self) -> Floats:
        """A row of weights for each danger and one for dosing, fitted on all."""
        return np.vstack([extended(yes_or_no(self.vectors, truth)) for truth in self.truths.T])

    def bar(self) -> float:
        """
        The probability from which on parts are read, by what is calm in company and not in the folds it was fitted on.

        Where nothing is, 0: parts are always read.
        """
        calm = ~self.truths.any(axis=1) & (np.arange(len(self.truths)) >= self.alone)
        scores = told_apart(self.vectors, self.truths, self.labels.fold)
        return bar(scores[calm].max(axis=1), ASIDE, 0.0) if calm.any() else 0.0


def judged_apart(vectors: Vector, labels: Labels) -> Scores:
    """What heads say of each row that were fitted on the other folds."""
    count, names = len(labels.topics), labels.names
    told = told_apart(vectors, np.column_stack([labels.truths, labels.dosing]), labels.fold)
    scores = Scores(told[:, :-1], told[:, -1], np.zeros((count, len(names))))
    for held in range(FOLDS):
        train, test = labels.fold != held, labels.fold == held
        model = one_of_many(vectors[train], labels.topics[train])
        places = [names.index(name) for name in model.classes_]
        scores.shares[np.ix_(test, np.array(places))] = model.predict_proba(vectors[test])
    return scores


def told_apart(vectors: Vector, truths: npt.NDArray[np.bool_], fold: npt.NDArray[np.int_]) -> Floats:
    """The probability of each truth (rows x truths) for each row, by a head that was fitted on the other folds."""
    scores = np.zeros(truths.shape)
    for held in range(FOLDS):
        train, test = fold != held, fold == held
        for column, truth in enumerate(truths.T):
            scores[test, column] = yes_or_no(vectors[train], truth[train]).predict_proba(vectors[test])[:, 1]
    return scores


def agreed(scores: Scores, witnesses: Witnesses, glanced: Floats, names: Sequence[str]) -> Scores:
    """The scores as they are when serving: the heads' with what topics witness, and what is seen at a glance."""
    theirs = {urgency: share_of(topics, scores.shares, names) for urgency, topics in witnesses.urgencies.items()}
    urgency, dosing = scores.urgency.copy(), scores.dosing
    for column, danger in enumerate(URGENCIES):
        if danger in theirs:
            urgency[:, column] = np.vectorize(between)(urgency[:, column], theirs[danger])
    urgency = np.vectorize(between)(urgency, glanced[:, : len(URGENCIES)], SHARE)
    if witnesses.dosing:
        asking, dangers = share_of(witnesses.dosing, scores.shares, names), sum(theirs.values(), np.zeros(len(dosing)))
        dosing = np.vectorize(between_on_dosing)(dosing, asking, dangers)
    return Scores(urgency, dosing, scores.shares)


def fit_all(
    rows: Sequence[Question], vectors: Vector, alone: Vector, labels: Labels, company: Company
) -> tuple[tuple[str, ...], bytes]:
    """The heads that serve: the topics in order, and the weights as a file."""
    urgency = [yes_or_no(vectors, labels.truths[:, column]) for column in range(len(URGENCIES))]
    dosing, topic = yes_or_no(vectors, labels.dosing), one_of_many(vectors, labels.topics)
    weights = io.BytesIO()
    np.savez(
        weights,
        talk=extended(fit_talk(rows, vectors, alone, labels)).astype(np.float32),
        aside=company.head().astype(np.float32),
        urgency=np.vstack([extended(model) for model in urgency]).astype(np.float32),
        dosing=extended(dosing).astype(np.float32),
        topic=extended(topic).astype(np.float32),
    )
    return tuple(topic.classes_.tolist()), weights.getvalue()


def fit_talk(rows: Sequence[Question], vectors: Vector, alone: Vector, labels: Labels) -> LogisticRegression:
    """
    The topic of a message in a talk, by its vector alone and its vector within the talk; what begins one has none within.

    Args:
        vectors: of the rows, as they are read when serving.
        alone: of those that follow on a topic, read without its title.
    """
    follows = np.array([bool(row.after) for row in rows])
    seen = np.hstack([vectors, np.zeros_like(vectors)])
    seen[follows] = np.hstack([alone, vectors[follows]])
    model = LogisticRegression(C=TALK_STRENGTH, tol=1e-3, max_iter=500, solver="lbfgs")
    return converged(model, seen, labels.topics, np.where(follows, TURN_WEIGHT, 1.0))


def fit_glance(
    rows: Sequence[Question], truths: npt.NDArray[np.bool_], fold: npt.NDArray[np.int_]
) -> tuple[bytes, GlanceCard, Floats]:
    """
    The weights of the glance as a file, its bars, and what it says of each row in whose fold it was not fitted.

    Args:
        truths: rows x (urgencies, dosing).
        fold: the fold of each row.
    """
    found = [places(folded(row.text)) for row in rows]
    counts = np.array([len(each) for each in found])
    shares = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts).astype(np.float32)
    texts = csr_matrix((shares, np.concatenate(found), np.append(0, np.cumsum(counts))), (len(rows), PLACES))
    scores = np.zeros(truths.shape)
    for held in range(FOLDS):
        for column in range(truths.shape[1]):
            model = of_pieces(texts[fold != held], truths[fold != held, column])
            scores[fold == held, column] = model.predict_proba(texts[fold == held])[:, 1]
    calm, unasked = ~truths[:, :3].any(axis=1), ~truths[:, 3]
    final = [extended(of_pieces(texts, truths[:, column])) for column in range(truths.shape[1])]
    weights = io.BytesIO()
    np.savez_compressed(weights, weights=np.vstack(final).astype(np.float16))
    content = weights.getvalue()
    alarms = {u.value: bar(scores[calm, column], FALSE_ALARMS[u], 0.0) for column, u in enumerate(URGENCIES)}
    card = GlanceCard(
        weights_sha256=sha256(content).hexdigest(),
        hasty=bar(scores[calm, :3].max(axis=1), HASTY, 0.0),
        asking=bar(scores[unasked, 3], HASTY, 0.0),
        thresholds=LanguageThresholds(**alarms, dosing=bar(scores[unasked, 3], FALSE_DOSING, 0.0)),
    )
    return content, card, scores


def of_pieces(texts: csr_matrix, truth: npt.NDArray[np.bool_]) -> LogisticRegression:
    """One danger against all else, of what a glance sees."""
    return converged(LogisticRegression(C=GLANCE_STRENGTH, max_iter=1000, solver="liblinear"), texts, truth)


def share_of(topics: Sequence[str], shares: Floats, names: Sequence[str]) -> Floats:
    """Of each row, the share of some topics among those that are named by the columns."""
    total: Floats = shares[:, [names.index(topic) for topic in topics]].sum(axis=1)
    return total


def tells_of(urgency: Urgency, row: Question) -> bool:
    """Whether a question tells of a danger."""
    return urgency in row.urgencies


def topics_that_tell(rows: Sequence[Question], tells: Callable[[Question], bool]) -> tuple[str, ...]:
    """The topics most of whose questions tell of a danger, or of dosing."""
    asked = Counter(row.topic for row in rows)
    telling = Counter(row.topic for row in rows if tells(row))
    return tuple(sorted(topic for topic in asked if telling[topic] > asked[topic] / 2))


def encoded(rows: Sequence[Question], titles: Titles, encoder: Encoder, cache: Path) -> Vector:
    """
    The vectors of the rows as they are read when serving, one a row.

    Args:
        cache: a file of this encoder's vectors by the hash of what was encoded, so that only new questions take time.
            It is made where it is not there, and made anew where it cannot be read.
    """
    forms = [form_of(row, titles) for row in rows]
    keys = [sha256(form.encode()).hexdigest() for form in forms]
    known = read_cache(cache)
    vectors = {key: known[key] if key in known else encoder(form) for key, form in zip(keys, forms, strict=True)}
    cache.parent.mkdir(parents=True, exist_ok=True)
    with cache.open("wb") as file:
        np.savez(file, keys=np.array(list(vectors)), vectors=np.vstack(list(vectors.values())))
    return np.vstack([vectors[key] for key in keys])


def form_of(row: Question, titles: Titles) -> str:
    """A row as it is read when serving."""
    return after_title(titles.get((row.language, row.after or "")), row.text)


def fresh_among(rows: Sequence[Question], titles: Titles, folder: Path, cache: Path) -> tuple[Question, ...]:
    """
    The questions that have come since the heads were last fitted on the encoder in `folder`; turns are none.

    They are those that it has no vectors of; none where its vectors are not in the cache.
    """
    known = read_cache(vectors_of(sha256((folder / "encoder.onnx").read_bytes()).hexdigest(), cache)).keys()
    if not known:
        return ()
    return tuple(
        row for row in rows if not row.is_turn and sha256(form_of(row, titles).encode()).hexdigest() not in known
    )


def vectors_of(encoder_sha256: str, cache: Path) -> Path:
    """Where the vectors of an encoder are kept."""
    return cache / f"vectors-{encoder_sha256[:16]}.npz"


def read_cache(path: Path) -> dict[str, Vector]:
    """Vectors by hash; none where the file is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(zip(file["keys"].tolist(), file["vectors"], strict=True))
    except (OSError, ValueError, KeyError, BadZipFile):
        return {}


def yes_or_no(vectors: Vector, truth: npt.NDArray[np.bool_]) -> LogisticRegression:
    """One class against the rest. Single precision is enough, and twice as fast."""
    return converged(LogisticRegression(C=STRENGTH, tol=1e-4, max_iter=2000, solver="lbfgs"), vectors, truth)


def one_of_many(vectors: Vector, topics: npt.NDArray[np.str_]) -> LogisticRegression:
    """One of all topics."""
    return converged(LogisticRegression(C=STRENGTH, tol=1e-4, max_iter=500, solver="lbfgs"), vectors, topics)


def converged(
    model: LogisticRegression,
    vectors: Vector | csr_matrix,
    truth: npt.NDArray[np.generic],
    weight: Floats | None = None,
) -> LogisticRegression:
    """The model, fitted; a warning that it did not converge is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return model.fit(vectors, truth, sample_weight=weight)


def extended(model: LogisticRegression) -> Floats:
    """Weights with the intercept as the last column."""
    weights: Floats = np.hstack([model.coef_, model.intercept_[:, None]])
    return weights


def thresholds_for(scores: Scores, labels: Labels, language: str) -> LanguageThresholds:
    """The lowest thresholds that keep to the allowed share of false alarms in one language."""
    mine, at_least = labels.spoken == language, QUIETEST.get(language, QUIETEST["en"])
    harmless = mine & ~labels.truths.any(axis=1)
    bars = {
        urgency.value: bar(scores.urgency[harmless, column], FALSE_ALARMS[urgency], getattr(at_least, urgency.value))
        for column, urgency in enumerate(URGENCIES)
    }
    return LanguageThresholds(**bars, dosing=bar(scores.dosing[mine & ~labels.dosing], FALSE_DOSING, at_least.dosing))


def bar(harmless: Floats, share: float, lowest: float) -> float:
    """The score that only this share of harmless rows reaches, within reason."""
    return round(float(np.clip(np.quantile(harmless, 1 - share), lowest, LOUDEST)), 4)


def bar_for_answers(shares: Floats, labels: Labels) -> float:
    """The lowest probability from which on at most `WRONG_ANSWERS` of the answered questions get a wrong topic."""
    guessed = np.array(labels.names)[shares.argmax(axis=1)]
    asked = ~labels.truths.any(axis=1) & (guessed != OUT_OF_SCOPE)
    certain, right = shares.max(axis=1)[asked], (guessed == labels.topics)[asked]
    for candidate in np.arange(SURE_ENOUGH, 0.9, 0.01):
        answered = certain >= candidate
        if answered.sum() and (~right[answered]).mean() <= WRONG_ANSWERS:
            return round(float(candidate), 2)
    return 0.9


def figures_of(scores: Scores, labels: Labels, thresholds: Mapping[str, LanguageThresholds]) -> dict[str, float]:
    """Recall and false alarms on the held-out folds: on our own data, so better than on other people's words."""
    figures: dict[str, float] = {}
    truths, dosing, topics = labels.truths, labels.dosing, labels.topics
    bars = {u: np.array([getattr(thresholds[code], u.value) for code in labels.spoken]) for u in URGENCIES}
    raised = np.column_stack([scores.urgency[:, c] >= bars[u] for c, u in enumerate(URGENCIES)])
    for column, urgency in enumerate(URGENCIES):
        figures[f"{urgency.value} found"] = float(raised[truths[:, column], column].mean())
    figures["false alarms"] = float(raised[~truths.any(axis=1)].any(axis=1).mean())
    taken = scores.dosing >= np.array([thresholds[code].dosing for code in labels.spoken])
    figures["dosing found"] = float(taken[dosing].mean())
    figures["dosing false"] = float(taken[~dosing].mean())
    ranked = np.array(labels.names)[np.argsort(-scores.shares, axis=1)]
    answerable = topics != OUT_OF_SCOPE
    figures["topic first"] = float((ranked[:, 0] == topics)[answerable].mean())
    figures["topic in three"] = float((ranked[:, :3] == topics[:, None]).any(axis=1)[answerable].mean())
    return {name: round(value, 4) for name, value in figures.items()}
