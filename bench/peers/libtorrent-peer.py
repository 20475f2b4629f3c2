"""One libtorrent session, told what to do by its one argument and one line on standard input.

Prints `ready <pid>` when it seeds, or waits for the order `begin`; then `done` when every piece is verified and written.
Its settings are for speed: no limits, no encryption, TCP only, no finding of peers but by the addresses given.
Ends with standard input.
"""

import json
import os
import select
import sys

import libtorrent as lt

request = json.loads(sys.argv[1])

SETTINGS = {
    "listen_interfaces": f"{request['host']}:{request['port']}",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_incoming_utp": False,
    "enable_outgoing_utp": False,
    "mixed_mode_algorithm": 0,  # prefer_tcp
    "in_enc_policy": 2,  # none
    "out_enc_policy": 2,
    "allow_multiple_connections_per_ip": True,
    "connections_limit": 500,
    "unchoke_slots_limit": -1,
    "download_rate_limit": 0,
    "upload_rate_limit": 0,
    "rate_limit_ip_overhead": False,
    "min_reconnect_time": 1,
    "connection_speed": 500,
    "max_out_request_queue": 1500,
    "max_allowed_in_request_queue": 2000,
    "request_queue_time": 3,
    "send_buffer_low_watermark": 1 << 20,
    "send_buffer_watermark": 8 << 20,
    "send_buffer_watermark_factor": 150,
    "max_queued_disk_bytes": 64 << 20,
    "aio_threads": 4,
    "hashing_threads": max(1, os.cpu_count() or 1),
    "alert_mask": lt.alert.category_t.status_notification | lt.alert.category_t.error_notification,
}


def add(session, is_seed):
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(request["torrent"])
    params.save_path = request["folder"]
    flags = params.flags & ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
    params.flags = flags | (lt.torrent_flags.seed_mode if is_seed else 0)
    handle = session.add_torrent(params)
    for host, port in request["peers"]:
        handle.connect_peer((host, port))
    return handle


def wait_until_finished(session):
    while True:
        session.wait_for_alert(1000)
        # Nothing is written to it after the order: readable means its end.
        if select.select([sys.stdin], [], [], 0)[0]:
            os._exit(1)
        for alert in session.pop_alerts():
            if isinstance(alert, lt.torrent_finished_alert):
                return
            if isinstance(alert, (lt.torrent_error_alert, lt.file_error_alert, lt.listen_failed_alert)):
                sys.exit(alert.message())


def main():
    session = lt.session(SETTINGS)
    is_seed = request["role"] == "seed"
    if is_seed:
        kept = add(session, True)
    print("ready", os.getpid(), flush=True)
    for line in sys.stdin:
        if line.strip() != "begin":
            continue
        kept = add(session, False)
        wait_until_finished(session)
        print("done", flush=True)


main()
# The session's own end waits for peers and trackers that nobody needs any more.
os._exit(0)
