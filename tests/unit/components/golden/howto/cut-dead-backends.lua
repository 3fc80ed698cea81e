-- Cuts the streams of every kube-apiserver that is dead. Run by HAProxy; written by kube-apiserver-havip.
--
-- Not in the instant in which HAProxy finds it dead ("on-marked-down shutdown-sessions"): that would also end what is
-- just being connected. HAProxy sends that to another one as soon as its "timeout connect" is over; then we cut.

local POLL_MS = 100
local GRACE_MS = 5100

-- One that answered TLS and is late with its answer (L7TOUT, "* " before it during a check) may only be slow.
local function dead(status, check)
    -- "DOWN", or "DOWN 1/2" on its way up.
    return string.sub(status, 1, 4) == "DOWN" and not string.find(check or "", "L7TOUT", 1, true)
end

local function found_dead(servers)
    local found = {}
    for name, server in pairs(servers) do
        local stats = server:get_stats()
        found[name] = dead(stats.status, stats.check_status)
    end
    return found
end

core.register_task(function()
    local dead_for = {}
    while true do
        local servers = core.backends["k8s-master"].servers
        local pause, find = POLL_MS, found_dead
        core.msleep(pause)
        local found = find(servers)
        for name, server in pairs(servers) do
            if not found[name] then
                dead_for[name] = 0
            elseif (dead_for[name] or 0) <= GRACE_MS then
                dead_for[name] = (dead_for[name] or 0) + pause
                if dead_for[name] > GRACE_MS then
                    server:shut_sess()
                end
            end
        end
    end
end)
