"""What a server says, taken apart: answers, streams, metrics, and the last words of its log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_worker.protocol.recognition import Usage
from bocr_worker.runtimes.openai.answers import read_completion, words_of
from bocr_worker.runtimes.openai.client import retry_after_s
from bocr_worker.runtimes.openai.lastwords import last_words
from bocr_worker.runtimes.openai.metrics import Load, read_load
from bocr_worker.runtimes.openai.streaming import LoopWatch, StreamedAnswer
from bocr_worker.runtimes.openai.troubles import Faulty


def completion(**choice: Any) -> bytes:
    whole = {"message": {"content": "Loi"}, "finish_reason": "stop", **choice}
    usage = {"prompt_tokens": 7, "completion_tokens": 1}
    return json.dumps({"choices": [whole], "usage": usage}).encode()


def test_an_answer_is_its_text_its_end_and_what_it_cost() -> None:
    said = read_completion(completion())
    assert (said.text, said.finish, said.usage, said.tokens) == ("Loi", "stop", Usage(7, 1), None)


def test_no_content_is_an_empty_answer() -> None:
    assert read_completion(completion(message={"content": None})).text == ""


def test_a_finish_that_is_none_is_unknown() -> None:
    assert read_completion(completion(finish_reason=None)).finish == "unknown"
    assert read_completion(completion(finish_reason={"a": 1})).finish == "unknown"


def test_odd_probabilities_are_unknown_and_their_tokens_keep_their_places() -> None:
    values = ["null", "NaN", "3.0", '"low"', "true", "-Infinity", "-9999.0", "0", "-0.1"]
    values.append("-" + "9" * 400)  # no float holds it
    entries = ",".join(f'{{"token":"a","logprob":{value}}}' for value in values)
    body = completion().replace(b'"finish', b'"logprobs":{"content":[' + entries.encode() + b']},"finish')
    tokens = read_completion(body).tokens
    assert tokens is not None
    chances = [token.probability for token in tokens]
    assert chances[:5] == [None] * 5
    assert chances[5:8] == [0.0, 0.0, 1.0]
    assert chances[8] == pytest.approx(0.9048, abs=1e-4)
    assert chances[9] == 0.0


def test_a_tokens_bytes_are_preferred_to_what_is_shown_of_them() -> None:
    entries = [
        {"token": "�", "logprob": 0, "bytes": [217]},
        {"token": "b", "logprob": 0, "bytes": [999]},
        {"token": "c", "logprob": 0, "bytes": "c"},
        {"token": 7, "logprob": 0},
        "no entry",
    ]
    tokens = read_completion(completion(logprobs={"content": entries})).tokens
    assert tokens is not None
    assert [token.spelled for token in tokens] == [b"\xd9", b"b", b"c", b""]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>", b"[]", b"null", b"[" * 200_000),
        *(b'{"choices":[]}', b'{"choices":[7]}', b'{"choices":[{}]}', b'{"choices":{"0":1}}'),
        b'{"choices":[{"message":{"content":7}}]}',
    ],
)
def test_what_is_no_answer_is_a_fault_in_words(body: bytes) -> None:
    with pytest.raises(Faulty) as caught:
        read_completion(body)
    assert 0 < len(str(caught.value)) < 1200


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    with pytest.raises(Faulty):
        read_completion(body)


def test_a_servers_words_are_shown_without_what_cannot_be_shown() -> None:
    assert words_of(b'{"error":{"message":"too\\nlong\\u001b[31m"}}') == "too long [31m"
    assert words_of(b'{"error":"Unauthorized"}') == "Unauthorized"
    assert words_of(b'{"detail":"Not Found"}') == "Not Found"
    assert words_of(b'{"detail":[{"loc":1}]}').startswith("{")
    assert words_of(b"<html>\n busy </html>") == "<html> busy </html>"
    assert words_of(b"") == "(nothing)"
    assert len(words_of(b"x" * 99_999)) == 1000


def test_retry_after_is_seconds_or_a_date_and_never_long() -> None:
    now = 1_760_000_000.0  # Thu, 09 Oct 2025 08:53:20 GMT
    assert retry_after_s("1.5", now) == 1.5
    assert retry_after_s("Thu, 09 Oct 2025 08:53:50 GMT", now) == 30.0
    assert retry_after_s("99999", now) == 300.0
    for nothing in ("", "soon", "-5", "nan", "inf", "Thu, 09 Oct 1925 08:53:50 GMT"):
        assert retry_after_s(nothing, now) == 0.0


# -- metrics -------------------------------------------------------------------------------------------


def test_the_load_is_added_up_over_a_servers_engines() -> None:
    page = (
        "# HELP vllm:num_requests_running Number of requests in model execution batches.\n"
        'vllm:num_requests_running{engine="0",model_name="m"} 3.0\n'
        'vllm:num_requests_running{engine="1",model_name="m"} 4.0\n'
        'vllm:num_requests_waiting{engine="0",model_name="m {x} y"} 1.0\n'
        'vllm:num_requests_waiting_by_reason{engine="0"} 9.0\n'
        "vllm:generation_tokens_total 120.0\n"
        "vllm:num_preemptions_total NaN\n"
    )
    assert read_load(page) == Load(running=7, waiting=1, tokens=120.0, preemptions=0.0)


def test_a_page_that_says_nothing_of_requests_is_no_load() -> None:
    assert read_load("") is None
    assert read_load("<html>vllm:num_requests_running") is None
    assert read_load("vllm:num_requests_running many\nvllm:num_requests_waiting 1") is None


# -- streams -------------------------------------------------------------------------------------------


def event(**choice: Any) -> bytes:
    return b"data: " + json.dumps({"choices": [choice]}).encode()


def test_a_stream_is_put_together() -> None:
    answer = StreamedAnswer()
    chance = {"content": [{"token": "Loi", "logprob": 0}]}
    for line in (b": ping", b"", event(delta={"role": "assistant"}), event(delta={"content": "Loi"})):
        answer.take(line)
    answer.take(event(delta={"content": " 7"}, logprobs=chance))
    answer.take(event(delta={}, finish_reason="stop"))
    answer.take(b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}')
    assert not answer.done
    answer.take(b"data: [DONE]")
    said = answer.completion()
    assert answer.done
    assert (said.text, said.finish, said.usage) == ("Loi 7", "stop", Usage(7, 2))
    assert said.tokens is not None and len(said.tokens) == 1


def test_a_stream_that_breaks_off_is_no_answer() -> None:
    answer = StreamedAnswer()
    answer.take(event(delta={"content": "Loi"}))
    with pytest.raises(Faulty, match="ended before the answer"):
        answer.completion()


@pytest.mark.parametrize("line", [b"data: {", b"data: 7", b'data: {"error":{"message":"out of memory"}}'])
def test_an_event_that_is_none_is_a_fault(line: bytes) -> None:
    with pytest.raises(Faulty):
        StreamedAnswer().take(line)


def test_a_loop_is_lost_when_it_was_seen_twice_and_a_long_text_is_not() -> None:
    def looks_until_lost(text: str) -> int | None:
        watch, looks = LoopWatch(), 0
        for end in range(0, len(text), 50):
            if watch.due(end):
                looks += 1
                if watch.is_lost(text[:end]):
                    return looks
        return None

    loop = "le ministre est nommé par arrêté\n" * 1000
    honest = "".join(f"article {number} du décret {number * number}\n" for number in range(1000))
    column = honest[:4000] + "0 000\n" * 11 + honest[4000:]
    assert looks_until_lost(loop) == 2
    assert looks_until_lost(honest[:3000] + loop) in (3, 4)
    assert looks_until_lost(honest) is None
    assert looks_until_lost(column) is None
    assert looks_until_lost(honest * 5) is not None


# -- a log's last words --------------------------------------------------------------------------------


def test_the_first_cause_is_told_before_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    noise = "".join(f"INFO step {number}\n" for number in range(5000))
    log.write_text(
        "ValueError: of the start before\n--- bocr\n" + noise
        + "\x1b[31mtorch.OutOfMemoryError: CUDA out of memory. Tried 20 GiB\x1b[0m\n"
        + "Loading 10%\rLoading 100%\n" + "INFO down\n" * 3
        + "RuntimeError: Engine core initialization failed.\n\n"
        + "INFO bye\n" * 5
    )  # fmt: skip
    words = last_words(log, since_byte=40).splitlines()
    assert words[0] == "torch.OutOfMemoryError: CUDA out of memory. Tried 20 GiB"
    assert words[1:] == ["RuntimeError: Engine core initialization failed.", *["INFO bye"] * 5]


def test_of_a_progress_bar_the_last_state_alone_is_told(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    states = b"".join(b"Loading shards: %d%%\r" % share for share in range(101))
    log.write_bytes(b"INFO weights\r\n" + states + b"\nINFO gone\n")
    assert last_words(log).splitlines() == ["INFO weights", "Loading shards: 100%", "INFO gone"]


def test_a_log_that_is_not_there_or_binary_is_no_trouble(tmp_path: Path) -> None:
    assert last_words(tmp_path / "none") == ""
    (tmp_path / "odd").write_bytes(bytes(range(256)) * 9000)
    assert all(len(line) <= 300 for line in last_words(tmp_path / "odd").splitlines())
