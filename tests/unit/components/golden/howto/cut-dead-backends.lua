-- Cuts the streams of every kube-apiserver that is dead. Run by HAProxy; written by kube-apiserver-havip.
--
-- Not in the instant in which HAProxy finds it dead ("on-marked-down shutdown-sessions"): that would also end what is
-- just being connected. HAProxy sends that to another one as soon as its "timeout connect" is over; then we cut.

local POLL_MS = 100
local GRACE_MS = 5100

local function dead(server)
    -- "DOWN", or "DOWN 1/2" on its way up.
    return string.sub(server:get_stats().status, 1, 4) == "DOWN"
end

core.register_task(function()
    local dead_for = {}
    while true do
        core.msleep(POLL_MS)
        for name, server in pairs(core.backends["k8s-master"].servers) do
            if not dead(server) then
                dead_for[name] = 0
            elseif (dead_for[name] or 0) <= GRACE_MS then
                dead_for[name] = (dead_for[name] or 0) + POLL_MS
                if dead_for[name] > GRACE_MS then
                    server:shut_sess()
                end
            end
        end
    end
end)
