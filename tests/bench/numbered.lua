-- wrk script: as chat.lua, and the number in the body, 000000000000, counts from $BENCH_FIRST, $BENCH_COUNT of them,
-- round and round. Whatever is the same each time is put together once.
dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "chat.lua")
local first, count = tonumber(os.getenv("BENCH_FIRST")), tonumber(os.getenv("BENCH_COUNT"))
local before, after, sent = nil, nil, 0
function init(args)
  local whole = wrk.format()
  local from, to = whole:find("000000000000", 1, true)
  before, after = whole:sub(1, from - 1), whole:sub(to + 1)
end
function request()
  local number = first + sent % count
  sent = sent + 1
  return before .. string.format("%012d", number) .. after
end
