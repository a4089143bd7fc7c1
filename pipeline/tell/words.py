"""The words that messages of every pack share, Korean and English; those of a domain are its pack's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Both languages say the same.
TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "ko": {
        "critical": "심각",
        "high": "높음",
        "medium": "보통",
        "state_opened": "새 사건",
        "state_reopened": "다시 발생",
        "state_escalated": "격상",
        "state_repeated": "미확인 재알림",
        "state_acknowledged": "확인됨",
        "state_corrected": "정정",
        "state_resolved": "해소",
        "state_unsilenced": "알림 중지 종료 · 진행 중",
        "opened": "새 사건이 열렸습니다.",
        "reopened": "해소된 뒤 다시 발생했습니다 ({times}번째, 첫 발생 후 {duration}).",
        "repeated": "아직 확인한 담당자가 없습니다 (발생 후 {duration}).",
        "escalated": "심각도가 '{severity}' 단계로 올랐습니다 (발생 후 {duration}).",
        "acknowledged": "담당자가 확인했습니다 (발생 후 {duration}).",
        "acknowledged_by": "{by} 님이 확인했습니다 (발생 후 {duration}).",
        "corrected": "늦게 들어온 데이터를 반영해 수치를 바로잡았습니다 (발생 후 {duration}).",
        "resolved": "해소되었습니다 (지속 시간 {duration}).",
        "unsilenced": "알림 중지가 끝났고 아직 해소되지 않았습니다 (발생 후 {duration}).",
        "at_risk": "위험 금액",
        "at_risk_unknown": "위험 금액 알 수 없음",
        "not_known": "알 수 없음",
        "minute": "판정 시각",
        "opened_minute": "발생 시각",
        "duration": "경과",
        "incident": "사건 {incident_id} · 정책 {policy}",
        "link": "대시보드에서 보기",
        "repeat": "중복 전송일 수 있음",
        "repeat_why": "앞선 전송이 도착했는지 확인하지 못해 다시 보냅니다.",
        "digest": "1분 사이 사건 {count}건이 열렸습니다. 위험 금액 합계 {total}.",
        "digest_some": "1분 사이 사건 {count}건이 열렸습니다. "
        "위험 금액 합계 {total}, {unknown}건은 알 수 없음.",
        "digest_none": "1분 사이 사건 {count}건이 열렸습니다. 위험 금액 알 수 없음.",
        "digest_without_money": "1분 사이 사건 {count}건이 열렸습니다.",
        "digest_unsilenced": "알림 중지가 끝났습니다. "
        "그동안 알리지 않은 사건 {count}건이 아직 열려 있습니다. "
        "위험 금액 합계 {total}.",
        "digest_some_unsilenced": "알림 중지가 끝났습니다. "
        "그동안 알리지 않은 사건 {count}건이 아직 열려 있습니다. "
        "위험 금액 합계 {total}, {unknown}건은 알 수 없음.",
        "digest_none_unsilenced": "알림 중지가 끝났습니다. "
        "그동안 알리지 않은 사건 {count}건이 아직 열려 있습니다. "
        "위험 금액 알 수 없음.",
        "digest_without_money_unsilenced": "알림 중지가 끝났습니다. "
        "그동안 알리지 않은 사건 {count}건이 아직 열려 있습니다.",
        "digest_header": "사건 {count}건 동시 발생",
        "digest_header_unsilenced": "알림 중지 종료: 진행 중인 사건 {count}건",
        "digest_top": "위험 금액이 큰 {shown}건",
        "digest_top_without_money": "심각도가 높은 {shown}건",
        "instead": "{channels}(으)로 보내지 못해 이 채널로 보냅니다",
        "default_channel": "기본 채널",
    },
    "en": {
        "critical": "Critical",
        "high": "High",
        "medium": "Medium",
        "state_opened": "new incident",
        "state_reopened": "opened again",
        "state_escalated": "escalated",
        "state_repeated": "still not acknowledged",
        "state_acknowledged": "acknowledged",
        "state_corrected": "corrected",
        "state_resolved": "resolved",
        "state_unsilenced": "silence over, still open",
        "opened": "A new incident has opened.",
        "reopened": "It is back after it had resolved (opening no. {times}, {duration} after the first).",
        "repeated": "Nobody has acknowledged it yet ({duration} after it opened).",
        "escalated": "Severity rose to '{severity}' ({duration} after it opened).",
        "acknowledged": "An operator has acknowledged it ({duration} after it opened).",
        "acknowledged_by": "{by} has acknowledged it ({duration} after it opened).",
        "corrected": "Late rows were counted and the numbers corrected ({duration} after it opened).",
        "resolved": "Resolved (it lasted {duration}).",
        "unsilenced": "The silence is over, and it has not resolved ({duration} after it opened).",
        "at_risk": "At risk",
        "at_risk_unknown": "Money at risk not known",
        "not_known": "not known",
        "minute": "Judged minute",
        "opened_minute": "Opened",
        "duration": "Elapsed",
        "incident": "Incident {incident_id} · policy {policy}",
        "link": "Open in the dashboard",
        "repeat": "possible repeat",
        "repeat_why": "It is not known whether an earlier attempt arrived, so it is sent again.",
        "digest": "{count} incidents opened within a minute. At risk in total: {total}.",
        "digest_some": "{count} incidents opened within a minute. "
        "At risk in total: {total}; of {unknown} not known.",
        "digest_none": "{count} incidents opened within a minute. Money at risk not known.",
        "digest_without_money": "{count} incidents opened within a minute.",
        "digest_unsilenced": "A silence is over. {count} incidents that were not told are still open. "
        "At risk in total: {total}.",
        "digest_some_unsilenced": "A silence is over. {count} incidents that were not told are still open. "
        "At risk in total: {total}; of {unknown} not known.",
        "digest_none_unsilenced": "A silence is over. {count} incidents that were not told are still open. "
        "Money at risk not known.",
        "digest_without_money_unsilenced": "A silence is over. "
        "{count} incidents that were not told are still open.",
        "digest_header": "{count} incidents at once",
        "digest_header_unsilenced": "Silence over: {count} incidents are still open",
        "digest_top": "The {shown} with most at risk",
        "digest_top_without_money": "The {shown} most severe",
        "instead": "sent here because {channels} did not take it",
        "default_channel": "the default channel",
    },
}
