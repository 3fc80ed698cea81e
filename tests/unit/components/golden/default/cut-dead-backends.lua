-- Cuts the streams of every kube-apiserver that is dead. Run by HAProxy; written by kube-apiserver-havip.
--
-- Not in the instant in which HAProxy finds it dead ("on-marked-down shutdown-sessions"): that would also end what is
-- just being connected. HAProxy sends that to another one as soon as its "timeout connect" is over; then we cut.

local POLL_MS = 100
local GRACE_MS = 600

-- One that answered TLS and is late with its answer (L7TOUT, "* " before it during a check) may only be slow.
local function dead(status, check)
    -- "DOWN", or "DOWN 1/2" on its way up.
    return string.sub(status, 1, 4) == "DOWN" and not string.find(check or "", "L7TOUT", 1, true)
end

-- After a reload the old worker serves its streams, and checks nobody any more: it asks the new one.
local STOPPING_POLL_MS = 1000

local function stopping()
    return tonumber(core.get_info().Stopping) == 1
end

local function successor_finds_dead()
    local found = {}
    local successor = core.tcp()
    successor:settimeout(1)
    if successor:connect("127.0.0.1", 33305) then
        successor:send("GET /stats;csv;norefresh HTTP/1.0\r\n\r\n")
        -- Proxy, server, fifteen figures, status, eighteen more, check_status.
        local figure = "[^,]*,"
        local row = "^([^,]*),([^,]*)," .. string.rep(figure, 15) .. "([^,]*)," .. string.rep(figure, 18) .. "([^,]*),"
        for line in string.gmatch(successor:receive("*a") or "", "[^\r\n]+") do
            local proxy, server, status, check = string.match(line, row)
            if proxy == "kube-apiserver" and dead(status, check) then
                found[server] = true
            end
        end
    end
    successor:close()
    return found
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
        local servers = core.backends["kube-apiserver"].servers
        local pause, find = POLL_MS, found_dead
        if stopping() then
            pause, find = STOPPING_POLL_MS, successor_finds_dead
        end
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
