"""Why a text is no event rule, and what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

RULE_TEXTS: Final[Mapping[str, str]] = {
    "{place}: {reason}": "{place} 자리: {reason}",
    # the text as a whole
    "holds half a character": "반쪽짜리 문자가 있습니다",
    "write the character anew; it was cut in two": "그 문자를 다시 쓰세요. 둘로 잘린 문자입니다",
    "has {bytes} bytes, more than {most}": "{bytes}바이트로 한도 {most}바이트를 넘습니다",
    "write several rules": "규칙을 여러 개로 나누세요",
    "is nested too deeply": "너무 깊이 겹쳐 있습니다",
    "write a flatter rule": "덜 겹치게 쓰세요",
    "is no JSON: line {line}, column {column}": "JSON이 아닙니다: {line}행 {column}열",
    "mend the text there; names and texts stand in double quotes": (
        "그 자리의 글을 고치세요. 이름과 글은 큰따옴표 안에 씁니다"
    ),
    "is null": "값이 null입니다",
    "leave it out; `known` asks if a value is there": "빼세요. 값이 있는지는 `known`으로 묻습니다",
    "the key {key!r} stands there twice": "이름 {key!r}이(가) 두 번 있습니다",
    "leave one of the two": "둘 중 하나만 남기세요",
    "{key!r} is no name": "{key!r}은(는) 이름이 아닙니다",
    "names have letters a-z, digits and _": "이름에는 영문자, 숫자, _만 씁니다",
    "write whole numbers, amounts in the smallest unit of the currency": (
        "정수로 쓰세요. 금액은 통화의 가장 작은 단위로 씁니다"
    ),
    "has {length} characters, more than {most}": "{length}자로 한도 {most}자를 넘습니다",
    "write it shorter": "더 짧게 쓰세요",
    "holds a character that cannot be seen": "보이지 않는 문자가 있습니다",
    "take out control characters and such as turn the direction of a text": (
        "제어 문자와 글의 방향을 바꾸는 문자를 빼세요"
    ),
    "{number} is past {most} to either side": "{number}은(는) ±{most} 범위를 벗어납니다",
    "write a smaller number": "더 작은 수를 쓰세요",
    # its parts
    "{value} is no object": "{value}은(는) 객체가 아닙니다",
    "write names with their values in braces": "이름과 값을 중괄호 안에 쓰세요",
    "{value} is no list": "{value}은(는) 목록이 아닙니다",
    "write its parts in brackets": "항목을 대괄호 안에 쓰세요",
    "has {number} parts; {fewest} to {most} fit": "항목이 {number}개입니다. {fewest}~{most}개여야 합니다",
    "write as many as fit": "개수를 맞추세요",
    "{value} is no text": "{value}은(는) 글이 아닙니다",
    "write it in double quotes": "큰따옴표 안에 쓰세요",
    "{value} is no whole number": "{value}은(는) 정수가 아닙니다",
    "write a whole number": "정수를 쓰세요",
    "{value} is not from {low} to {high}": "{value}은(는) {low}에서 {high}까지의 수가 아닙니다",
    "write a number between them": "그 사이의 수를 쓰세요",
    "{value} is not known there": "그 자리에서 {value}은(는) 알 수 없는 이름입니다",
    "write one of {names}": "다음 중 하나를 쓰세요: {names}",
    "{value} is no name": "{value}은(는) 이름이 아닙니다",
    "write a name of the form {form}": "다음 형식의 이름을 쓰세요: {form}",
    "{key} is missing": "{key} 항목이 없습니다",
    "it needs {names}": "다음 항목이 필요합니다: {names}",
    "has {number} names; it is one thing": "이름이 {number}개입니다. 하나만 쓸 수 있습니다",
    "write one name; join conditions by `all` or `any`": (
        "이름 하나만 쓰세요. 조건은 `all`이나 `any`로 묶습니다"
    ),
    "{value} is no length of time that is kept": "{value}은(는) 쓸 수 있는 기간이 아닙니다",
    "write one from {shortest}s to 90d, such as 10m or 24h": (
        "{shortest}s에서 90d까지의 기간을 쓰세요. 예: 10m, 24h"
    ),
    "{value} stands there twice": "{value}이(가) 두 번 있습니다",
    "write it once": "한 번만 쓰세요",
    "{name} is what the learned score is called": "{name}은(는) 학습된 점수의 이름입니다",
    "take another name": "다른 이름을 쓰세요",
    # sentences
    "is empty": "비어 있습니다",
    "write what people shall be told": "사람들에게 알릴 말을 쓰세요",
    "{name} is neither a field nor a measure of the rule": "{name}은(는) 필드도 규칙의 측정값도 아닙니다",
    "a brace belongs to no name": "이름 없는 중괄호가 있습니다",
    "a value is written as its name in braces, with nothing else in them": (
        "값은 중괄호 안에 이름만 넣어 씁니다"
    ),
    # measures
    "{name} is a field of the event already": "{name}은(는) 이미 이벤트의 필드입니다",
    "give the measure another name": "측정값에 다른 이름을 붙이세요",
    "names {number} things to measure; it is one": "잴 것이 {number}개입니다. 하나만 쓸 수 있습니다",
    "the window ends before it begins": "기간이 시작하기 전에 끝납니다",
    "write a shorter length of time than {within}": "{within}보다 짧은 기간을 쓰세요",
    "{name} is text; it lies between nothing": "{name}은(는) 글이라서 범위가 없습니다",
    "write the texts that you mean as a list": "해당하는 글을 목록으로 쓰세요",
    "{value} is of another type than {name}": "{value}의 종류가 {name}와(과) 다릅니다",
    "compare numbers with numbers and texts with texts": "수는 수와, 글은 글과 비교하세요",
    # conditions
    "{name} is a value, where a condition is needed": "조건이 필요한 자리에 값 {name}이(가) 있습니다",
    "compare it: one of {names}": "다음 중 하나로 비교하세요: {names}",
    "lies deeper than {most} levels": "{most}단계보다 깊이 있습니다",
    "the rule has more than {most} parts": "규칙의 항목이 {most}개를 넘습니다",
    "compares a number with a text": "수와 글을 비교합니다",
    "texts have no order": "글에는 크고 작음이 없습니다",
    "compare them by one of {names}": "다음 중 하나로 비교하세요: {names}",
    "{value} is of another type than what is looked for": "{value}의 종류가 찾는 값과 다릅니다",
    "only a text field stands on a list": "명단에서는 글 필드만 찾습니다",
    "write {example}": "{example} 형식으로 쓰세요",
    "there is no list {name}": "{name}(이)라는 명단이 없습니다",
    "add an entry to it first: `minuterisk lists add`": (
        "먼저 명단에 항목을 추가하세요: `minuterisk lists add`"
    ),
    "different values are counted up to {most} only": "서로 다른 값은 {most}개까지만 셉니다",
    "ask if they are at least a constant number up to {most}": "{most} 이하의 정해진 수 이상인지 물으세요",
    "compares constants: it is always the same": "상수끼리 비교합니다. 결과가 늘 같습니다",
    "name a field or a measure": "필드나 측정값을 쓰세요",
    "{value} is no value": "{value}은(는) 값이 아닙니다",
    "write a constant or one of {names}": "상수나 다음 중 하나를 쓰세요: {names}",
    "there is no measure {name} in the rule": "규칙에 {name}(이)라는 측정값이 없습니다",
    "write it under `measures`": "`measures`에 적으세요",
    "only a field or a measure is multiplied": "필드나 측정값만 곱할 수 있습니다",
    "multiply the parts, not the sum": "합이 아니라 각 항에 곱하세요",
    "is text; a number is needed": "글입니다. 수가 필요합니다",
    "compute with numbers alone": "수로만 계산하세요",
    "could come to {number}, past 64 bits": "{number}까지 될 수 있어 64비트를 넘습니다",
    "compute with smaller numbers": "더 작은 수로 계산하세요",
}
