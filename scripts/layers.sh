#!/bin/sh
# Checks that every #include points downwards through the house. usage: layers.sh [FOLDER]
#
# A house stays clear only while its floors do: a room may use the rooms on the floors below it and itself, never a neighbour on its
# own floor; and each third-party library has doors, the only files that may include it.
set -eu
cd "${1:-.}"

# One line a floor, from the ground up. Files directly in src/ are the room `main`.
floors='
base
config
net llm
admit cache sched relay meter
gate
main tools
'

# Rooms that may not be used although they are below: tools stand beside the gateway, not on it.
exceptions='
tools gate
'

# Library headers (how they begin) and their doors: a whole room, or files of a room whose names begin so.
doors='
event2/   net/loop
openssl/  net/conn net/tls base/digest
curl/     net/curl
hiredis/  net/redis
resolv.h  net/records
arpa/nameser.h net/records
yaml.h    config/
sqlite3.h gate/ledger
jansson.h llm/ config/ gate/admin
'

find src include -name '*.[ch]' -exec awk -v floors="$floors" -v exceptions="$exceptions" -v doors="$doors" '
    function setup(    lines, n, i, words, count, j) {
        n = split(floors, lines, "\n")
        for (i = 1; i <= n; i++) {
            count = split(lines[i], words, " ")
            for (j = 1; j <= count; j++) floor[words[j]] = i
        }
        n = split(exceptions, lines, "\n")
        for (i = 1; i <= n; i++) if (split(lines[i], words, " ") == 2) closed[words[1], words[2]] = 1
        door_count = split(doors, door_lines, "\n")
    }
    # "net/loop.c" of src/net/loop.c and include/dsgate/net/loop.h; "main/main.c" of src/main.c.
    function place_of(path) {
        sub(/^src\//, "", path)
        sub(/^include\/dsgate\//, "", path)
        return path ~ /\// ? path : "main/" path
    }
    function room_of(place) { return substr(place, 1, index(place, "/") - 1) }
    function wrong(rule) {
        printf "%s:%d: %s: %s\n", FILENAME, FNR, header, rule
        failed = 1
    }
    function check_room(to) {
        if (!(to in floor)) wrong("there is no room " to)
        else if (to == room) return
        else if ((room, to) in closed) wrong(room " may not use " to)
        else if (floor[to] == floor[room]) wrong(room " and " to " are siblings, strangers to each other")
        else if (floor[to] > floor[room]) wrong(room " is below " to)
    }
    function is_behind(door) {
        return index(place, door) == 1 && (door ~ /\/$/ || substr(place, length(door) + 1, 1) ~ /[._\/]/)
    }
    function check_library(    i, words, count, j) {
        for (i = 1; i <= door_count; i++) {
            count = split(door_lines[i], words, " ")
            if (!count || index(header, words[1]) != 1) continue
            for (j = 2; j <= count; j++) if (is_behind(words[j])) return
            sub(/^[^ ]+ +/, "", door_lines[i])
            wrong("only " door_lines[i] " may include this library")
        }
    }
    BEGIN { setup() }
    FNR == 1 {
        place = place_of(FILENAME)
        room = room_of(place)
        header = FILENAME
        if (!(room in floor)) wrong("there is no room " room)
    }
    /^[ \t]*#[ \t]*include[ \t]*["<]/ {
        header = $0
        sub(/^[^"<]*["<]/, "", header)
        sub(/[">].*/, "", header)
        if (header ~ /(^|\/)\.\.\//) wrong("a path may not climb out of its room")
        else if (header ~ /^dsgate\//) check_room(room_of(substr(header, 8)))
        else check_library()
    }
    END { exit failed }
' {} +
