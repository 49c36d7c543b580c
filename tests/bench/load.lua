-- wrk's part: asks for the prepared addresses in turn, and counts every answer that isn't 200 or has another
-- size than the address's answer had before. Arguments: a file of lines "path<TAB>size", an Authorization header or nothing.
local threads = {}
requests, sizes, wrong, at = {}, {}, 0, 0

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  local headers = {}
  if arguments[2] then headers["Authorization"] = arguments[2] end
  for line in io.lines(arguments[1]) do
    local path, size = line:match("^(.-)\t(%d+)$")
    table.insert(requests, wrk.format("GET", path, headers))
    sizes[tonumber(size)] = true
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function response(status, headers, body)
  if status ~= 200 or not sizes[#body] then
    wrong = wrong + 1
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout
  for _, thread in ipairs(threads) do
    failed = failed + thread:get("wrong")
  end
  io.write(string.format(
    "\n{\"requests\":%d,\"seconds\":%f,\"errors\":%d,\"p50\":%f,\"p99\":%f}\n",
    summary.requests, summary.duration / 1e6, failed,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
