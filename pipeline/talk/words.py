"""What people read in Slack beside messages, Korean and English."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Both languages say the same.
TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "ko": {
        "done_acknowledge": "✅ 사건 {number}: 확인했습니다 ({by}).",
        "done_snooze": "✅ 사건 {number}: {until}까지 알림을 멈췄습니다 ({by}).",
        "done_resolve": "✅ 사건 {number}: 해소했습니다 ({by}).",
        "done_label": "✅ 사건 {number}: 오탐으로 기록했습니다 ({by}).",
        "done_late": "✅ 사건 {number}: 누르신 내용이 처리되었습니다.",
        "refused": "⛔ 사건 {number}: 처리하지 않았습니다. {what}",
        "refused_late": "⛔ 사건 {number}: 누르신 내용은 처리되지 않았습니다. 이유는 감사 기록에 있습니다.",
        "next": "다음 단계: {hint}",
        "expired": "⛔ 사건 {number}: 너무 늦어 처리하지 않았습니다. 필요하면 다시 눌러 주세요.",
        "not_taken": "⚠️ 접수하지 못했습니다: 저장할 곳이 응답하지 않습니다. "
        "잠시 뒤 다시 눌러 주세요. 두 번 눌러도 한 번만 처리됩니다.",
        "no_account": "이 Slack 사용자는 연결된 계정이 없어 보기만 할 수 있습니다. "
        "관리자에게 연결을 요청하세요: `minuterisk users link NAME --slack-user {user}`",
        "no_role": "{by} 님의 역할 {role}(으)로는 할 수 없습니다. {roles} 역할이 할 수 있습니다.",
        "other_team": "다른 Slack 워크스페이스({team})의 사용자는 쓸 수 없습니다. "
        "{own} 워크스페이스의 계정으로 눌러 주세요.",
        "other_installation": "이 버튼은 다른 설치의 것입니다. 새 메시지의 버튼을 눌러 주세요.",
        "unknown_pack": "이 설치는 {pack}을(를) 다루지 않습니다. 새 메시지의 버튼을 눌러 주세요.",
        "help": "`/minuterisk` 다음에 쓸 수 있는 말:\n"
        "• `open` 열린 사건, 위험 금액이 큰 것부터\n"
        "• {nouns} 그 {entity}의 사건 (이름이나 번호)\n"
        "• `why {entity}` 왜 울렸는지, 또는 왜 울리지 않았는지\n"
        "• `snooze 번호 [1h]` 사건의 알림을 멈춥니다 (30m, 1h, 2d)\n"
        "• `help` 이 도움말",
        "unknown_command": "`{text}`은(는) 모르는 말입니다.",
        "needs": "`{command}` 다음에 {what}이(가) 있어야 합니다.",
        "a_name": "이름이나 번호",
        "a_number": "사건 번호",
        "open_none": "열린 사건이 없습니다.",
        "open_some": "*열린 사건 {count}건*, 위험 금액이 큰 것부터",
        "more": "외 {count}건은 <{url}|대시보드>에서 볼 수 있습니다.",
        "found_none": "`{name}`에 맞는 사건이 없습니다. 이름의 일부나 정확한 번호로 찾아 보세요.",
        "found_some": "`{name}`에 맞는 사건 {count}건",
        "status_open": "열림",
        "status_acknowledged": "확인됨",
        "status_resolved": "해소",
        "since": "{at}부터",
        "why_signal": "`{entity}`에는 열린 사건이 없습니다. 지난 24시간의 마지막 신호 ({at}):",
        "why_reason": "사건이 되지 않은 이유: `{reason}`",
        "why_nothing": "`{entity}`에는 지난 24시간 동안 사건도 신호도 없습니다. 기준을 넘은 적이 없습니다.",
        "why_unknown": "지금은 게시된 파일을 읽을 수 없습니다. 사건은 대시보드에서 볼 수 있습니다.",
        "home_title": "열린 사건",
        "home_none": "지금 열린 사건이 없습니다.",
        "home_at": "{at} 기준 · <{url}|대시보드>",
        "home_guest": "다른 워크스페이스의 사용자에게는 보여 주지 않습니다.",
    },
    "en": {
        "done_acknowledge": "✅ Incident {number}: acknowledged ({by}).",
        "done_snooze": "✅ Incident {number}: snoozed until {until} ({by}).",
        "done_resolve": "✅ Incident {number}: resolved ({by}).",
        "done_label": "✅ Incident {number}: recorded as a false alarm ({by}).",
        "done_late": "✅ Incident {number}: what you pressed was done.",
        "refused": "⛔ Incident {number}: not done. {what}",
        "refused_late": "⛔ Incident {number}: what you pressed was not done. The audit says why.",
        "next": "Next: {hint}",
        "expired": "⛔ Incident {number}: it came too late and was not done. Press again if it is needed.",
        "not_taken": "⚠️ Not taken: what keeps it does not answer. "
        "Press again in a moment. Pressed twice, it is done once.",
        "no_account": "This Slack user has no account and may only look. "
        "Ask an administrator to link it: `minuterisk users link NAME --slack-user {user}`",
        "no_role": "The role {role} of {by} may not do this. Those who may: {roles}.",
        "other_team": "A user of another Slack workspace ({team}) cannot use this. "
        "Press as somebody of the workspace {own}.",
        "other_installation": "This button is of another installation. Press one of a newer message.",
        "unknown_pack": "This installation does not run {pack}. Press one of a newer message.",
        "help": "What may stand behind `/minuterisk`:\n"
        "• `open` open incidents, most money at risk first\n"
        "• {nouns} incidents of that {entity} (name or number)\n"
        "• `why {entity}` why it fired, or did not\n"
        "• `snooze NUMBER [1h]` tell nothing of an incident for a while (30m, 1h, 2d)\n"
        "• `help` this",
        "unknown_command": "`{text}` is nothing I know.",
        "needs": "`{command}` needs {what} behind it.",
        "a_name": "a name or number",
        "a_number": "the incident's number",
        "open_none": "There are no open incidents.",
        "open_some": "*{count} open incidents*, most money at risk first",
        "more": "{count} more are in the <{url}|dashboard>.",
        "found_none": "No incident fits `{name}`. Try a part of the name, or the exact number.",
        "found_some": "{count} incidents fit `{name}`",
        "status_open": "open",
        "status_acknowledged": "acknowledged",
        "status_resolved": "resolved",
        "since": "since {at}",
        "why_signal": "`{entity}` has no open incident. Its newest signal of the last 24 hours ({at}):",
        "why_reason": "Why it did not become an incident: `{reason}`",
        "why_nothing": "`{entity}` had neither incident nor signal in the last 24 hours: "
        "no border was passed.",
        "why_unknown": "The published files cannot be read now. Incidents are in the dashboard.",
        "home_title": "Open incidents",
        "home_none": "No incident is open now.",
        "home_at": "As of {at} · <{url}|dashboard>",
        "home_guest": "People of other workspaces are shown nothing.",
    },
}
