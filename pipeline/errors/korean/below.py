"""What lies below a press or a page: the operational database, the disk, the published files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

BELOW: Final[Mapping[str, str]] = {
    "the operational database keeps all of our connections busy": (
        "운영 데이터베이스의 연결이 모두 쓰이고 있습니다"
    ),
    "it is tried again at the next tick": "잠시 뒤 다시 시도합니다",
    "the operational database {shown} does not answer: {text}": "운영 데이터베이스 {shown} 응답 없음: {text}",
    "the operational database does not answer: {met}": "운영 데이터베이스가 응답하지 않습니다: {met}",
    "the operational database did not answer a moment ago": (
        "운영 데이터베이스가 조금 전에 응답하지 않았습니다"
    ),
    "it is tried again at the next tick; check MINUTERISK_STATE_URL if it stays away": (
        "잠시 뒤 다시 시도합니다. 계속되면 MINUTERISK_STATE_URL을 확인하세요"
    ),
    "start it, or check MINUTERISK_STATE_URL": "데이터베이스를 시작하거나 MINUTERISK_STATE_URL을 확인하세요",
    "cannot open the operational database {shown}: {text}": (
        "운영 데이터베이스 {shown}에 접속할 수 없습니다: {text}"
    ),
    "check MINUTERISK_STATE_URL; its role must own the database": (
        "MINUTERISK_STATE_URL을 확인하세요. 그 역할이 데이터베이스의 소유자여야 합니다"
    ),
    "the operational database {shown} takes no writes: {text}": (
        "운영 데이터베이스 {shown}에 쓸 수 없습니다: {text}"
    ),
    "let MINUTERISK_STATE_URL name the primary, not a standby": (
        "MINUTERISK_STATE_URL을 복제본이 아닌 주 서버로 설정하세요"
    ),
    "the operational database has no room: {text}": "운영 데이터베이스에 남은 공간이 없습니다: {text}",
    "free space on its disk; nothing half-written was published": (
        "디스크 공간을 비우세요. 쓰다 만 것은 게시되지 않았습니다"
    ),
    "another job of ours published the same minutes meanwhile: {text}": (
        "그사이 다른 작업이 같은 분을 게시했습니다: {text}"
    ),
    "nothing was changed; it starts anew with the new files": (
        "아무것도 바뀌지 않았습니다. 새 파일로 다시 시작합니다"
    ),
    "the operational database refused a statement: {text}": "운영 데이터베이스가 요청을 거절했습니다: {text}",
    "the operational database refuses a read: {met}": "운영 데이터베이스가 조회를 거절합니다: {met}",
    "this is a fault of minuterisk; report it with the log around it": (
        "minuterisk의 오류입니다. 앞뒤 로그와 함께 알려 주세요"
    ),
    "start the pipeline once: it creates the tables": "파이프라인을 한 번 시작하세요. 표를 만듭니다",
    "no running installation under {home}": "{home} 아래에서 실행 중인 설치가 없습니다",
    "start it with `minuterisk run` or `make demo`": "`minuterisk run` 또는 `make demo`로 시작하세요",
    # the disk
    "cannot write {path}: {what}": "{path}에 쓸 수 없습니다: {what}",
    "the disk is full": "디스크가 가득 찼습니다",
    "free space on it, then start again: nothing half-written was published": (
        "디스크 공간을 비우고 다시 시작하세요. 쓰다 만 것은 게시되지 않았습니다"
    ),
    "the disk quota is used up": "디스크 할당량을 다 썼습니다",
    "raise the quota or free space, then start again": "할당량을 늘리거나 공간을 비우고 다시 시작하세요",
    "the disk is read-only": "디스크가 읽기 전용입니다",
    "mount it writable, then start again": "쓸 수 있게 마운트하고 다시 시작하세요",
    "access is denied": "접근이 거부되었습니다",
    "give this user write access to the folder, or set MINUTERISK_HOME": (
        "이 사용자에게 폴더의 쓰기 권한을 주거나 MINUTERISK_HOME을 설정하세요"
    ),
    "the disk reports a fault": "디스크가 오류를 알립니다",
    "check the disk; the next start rebuilds what was not published": (
        "디스크를 확인하세요. 게시되지 않은 것은 다음에 시작할 때 다시 만듭니다"
    ),
    "a file stands where a folder is needed": "폴더가 있어야 할 곳에 파일이 있습니다",
    "check the folder": "폴더를 확인하세요",
    "set MINUTERISK_HOME to a folder": "MINUTERISK_HOME을 폴더로 설정하세요",
    # published files
    "cannot read {file}: {met}": "{file} 파일을 읽을 수 없습니다: {met}",
    "check the rights and the disk of the home": "홈의 권한과 디스크를 확인하세요",
    "{file} is not a list of published files: {met}": "{file} 파일은 게시 목록이 아닙니다: {met}",
    "restart the pipeline: it writes the list again": "파이프라인을 다시 시작하세요. 목록을 다시 씁니다",
    "a published file cannot be read: {met}": "게시된 파일을 읽을 수 없습니다: {met}",
    "look at the disk under the home": "홈이 있는 디스크를 확인하세요",
    "a published file is not what it should be: {met}": "게시된 파일의 내용이 올바르지 않습니다: {met}",
    "a published file is gone: {met}": "게시된 파일이 없어졌습니다: {met}",
    "run minuterisk check": "minuterisk check 를 실행하세요",
    "start the pipeline, which rebuilds the list of files": (
        "파이프라인을 시작하세요. 파일 목록을 다시 만듭니다"
    ),
    "ask again when the machine has less to do": "서버가 한가할 때 다시 물어보세요",
    "choose one that the search finds": "검색에서 찾은 것을 고르세요",
    "no answer within {seconds} s": "{seconds}초 안에 답이 없습니다",
    "no id holds such a character": "그런 문자가 든 번호는 없습니다",
}
