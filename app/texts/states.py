"""Why something cannot be shown, and what there is to do: texts of all screens, in Korean and English."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

KOREAN: Final[Mapping[str, str]] = {
    "pulse.live": "정상 가동",
    "pulse.reading": "과거 읽는 중",
    "pulse.behind": "따라잡는 중",
    "pulse.stale": "게시 목록이 오래됨",
    "pulse.stopped": "멈춤",
    "pulse.never": "시작 전",
    "pulse.unknown": "상태 확인 불가",
    "state.empty": "여기에서는 아직 아무것도 실행되지 않았습니다.",
    "state.empty.note": "회사의 데이터베이스를 읽으려면 아래 순서로, 먼저 둘러보려면 데모로 시작하세요.",
    "state.empty.connect": "읽을 데이터베이스와 표를 알려 주고 설정을 받습니다",
    "state.empty.check": "설정과 연결을 확인합니다. 아무것도 바꾸지 않습니다",
    "state.empty.run": "최근 8일을 읽고 매분 판단하기 시작합니다",
    "state.empty.demo": "가상의 회사까지 모두 이 컴퓨터에서 실행합니다",
    "state.never": "이 관제 대상은 아직 실행된 적이 없습니다.",
    "state.never.note": "시작: minuterisk run",
    "state.demo.start": "여기에서 데모 시작",
    "state.demo.starting": "데모를 시작하는 중",
    "state.demo.home": "PostgreSQL을 준비하고 8일치 거래를 만들어 읽는 중",
    "state.demo.published": "최근 한 시간을 판단하는 중",
    "state.demo.dashboard": "데모의 대시보드를 여는 중",
    "state.demo.ready": "데모가 준비되었습니다.",
    "state.demo.open": "데모 열기",
    "state.demo.note": "1–2분 걸립니다. 이 대시보드가 끝나면 데모도 끝납니다.",
    "state.demo.ended": "데모가 끝났습니다.",
    "state.reading": "과거 거래를 읽고 있습니다.",
    "state.reading.first": "첫 구간이 게시되면 얼마나 남았는지 나타납니다.",
    "state.reading.note": "{done}분 / {all}분 게시. 모두 읽으면 매분 판단을 시작합니다.",
    "state.reading.left": "이 속도로 약 {duration} 남음.",
    "state.behind": "{duration} 뒤처져 따라잡는 중입니다.",
    "state.behind.note": "그동안의 사건은 판단되는 대로 나타납니다. 아래 숫자는 {time}까지입니다.",
    "state.stopped": "파이프라인이 {duration} 전에 멈췄습니다.",
    "state.stopped.note": "새 사건은 나타나지 않습니다. 아래는 {time}까지입니다. 다시 시작: minuterisk run",
    "state.stopped.nothing": "아직 게시된 분이 없습니다. 다시 시작: minuterisk run",
    "state.stopped.whole": "파이프라인이 멈춰 있습니다.",
    "state.stopped.whole.note": (
        "운영 데이터베이스도 함께 멈춥니다. 추이는 계속 볼 수 있습니다. 다시 시작: minuterisk run"
    ),
    "state.stale": "게시 목록이 장부보다 {duration} 오래되었습니다.",
    "state.stale.note": "사건은 최신이지만 추이는 {time}까지입니다. 홈의 디스크와 경보를 확인하세요.",
    "state.no_manifest": "게시 목록이 없습니다.",
    "state.no_manifest.note": (
        "사건은 최신이지만 추이는 볼 수 없습니다. 파이프라인을 다시 시작하면 다시 만듭니다."
    ),
    "state.manifest_bad": "게시 목록을 읽을 수 없습니다.",
    "state.manifest_bad.note": "{what} 파이프라인을 다시 시작하면 장부로부터 다시 만들어집니다.",
    "state.database_down": "운영 데이터베이스에 연결할 수 없습니다.",
    "state.database_down.note": "{what} 연결되면 사건이 다시 나타납니다. 추이는 계속 볼 수 있습니다.",
    "state.revision": "운영 데이터베이스가 다른 버전의 것입니다.",
    "state.revision.older": "지금 {found}, 필요한 것은 {needed}입니다. minuterisk run 이 바꿉니다.",
    "state.revision.newer": (
        "지금 {found}, 이 대시보드는 {needed}까지 압니다. 새 버전의 minuterisk로 대시보드를 시작하세요."
    ),
    "state.no_right": "이 화면을 볼 수 없습니다.",
    "state.no_right.note": "볼 수 있는 역할: {roles}. 필요하면 관리자에게 문의하세요.",
}

ENGLISH: Final[Mapping[str, str]] = {
    "pulse.live": "Running",
    "pulse.reading": "Reading history",
    "pulse.behind": "Catching up",
    "pulse.stale": "List of files is old",
    "pulse.stopped": "Stopped",
    "pulse.never": "Not started",
    "pulse.unknown": "Unknown",
    "state.empty": "Nothing has run here yet.",
    "state.empty.note": "Read your company's database by these steps, or look around in a demo first.",
    "state.empty.connect": "say which database and table to read; it gives the settings",
    "state.empty.check": "tries settings and connections, and changes nothing",
    "state.empty.run": "reads the last 8 days, then judges every minute",
    "state.empty.demo": "everything on this machine, with a made-up company",
    "state.never": "What is watched here has never run.",
    "state.never.note": "Start: minuterisk run",
    "state.demo.start": "Start the demo here",
    "state.demo.starting": "Starting the demo",
    "state.demo.home": "Preparing PostgreSQL, making and reading 8 days of transactions",
    "state.demo.published": "Judging the last hour",
    "state.demo.dashboard": "Opening the demo's dashboard",
    "state.demo.ready": "The demo is ready.",
    "state.demo.open": "Open the demo",
    "state.demo.note": "It takes a minute or two, and ends when this dashboard does.",
    "state.demo.ended": "The demo has ended.",
    "state.reading": "The history is being read.",
    "state.reading.first": "How long it takes is known once its first part is published.",
    "state.reading.note": "{done} of {all} minutes published. Then every minute is judged.",
    "state.reading.left": "About {duration} left at this pace.",
    "state.behind": "Catching up, {duration} behind.",
    "state.behind.note": "Incidents appear as they are judged. The numbers below end at {time}.",
    "state.stopped": "The pipeline stopped {duration} ago.",
    "state.stopped.note": "No new incident appears. What is below ends at {time}. Start it: minuterisk run",
    "state.stopped.nothing": "No minute is published yet. Start it: minuterisk run",
    "state.stopped.whole": "The pipeline does not run.",
    "state.stopped.whole.note": (
        "Its operational database stops with it. Trends are still read. Start it: minuterisk run"
    ),
    "state.stale": "The list of published files is {duration} older than the ledger.",
    "state.stale.note": "Incidents are up to date, trends end at {time}. See the home's disk and the alarms.",
    "state.no_manifest": "There is no list of published files.",
    "state.no_manifest.note": (
        "Incidents are up to date, trends cannot be shown. A restart of the pipeline makes it again."
    ),
    "state.manifest_bad": "The list of published files cannot be read.",
    "state.manifest_bad.note": "{what} A restart of the pipeline makes it again from the ledger.",
    "state.database_down": "The operational database does not answer.",
    "state.database_down.note": "{what} Incidents come back with it. Trends are still read from the files.",
    "state.revision": "The operational database is of another version.",
    "state.revision.older": "It stands at {found}, needed is {needed}. minuterisk run brings it there.",
    "state.revision.newer": (
        "It stands at {found}, this dashboard knows {needed}. Start the dashboard of the newer minuterisk."
    ),
    "state.no_right": "You may not see this screen.",
    "state.no_right.note": "Those who may: {roles}. Ask an administrator if you need it.",
}
