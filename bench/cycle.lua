-- wrk -s cycle.lua URL FILE: asks for the paths in FILE one after the other.
local requests = {}
local at = 0

function init(args)
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", line)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format('result {"requests":%d,"micros":%d,"failed":%d}', summary.requests, summary.duration, failed))
end
