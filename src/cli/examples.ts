/** How the program is called, as help shows it: by the name of the sub-command, of the program itself under none. */
export const EXAMPLES: ReadonlyMap<string, readonly string[]> = new Map([
  ["", ["p2p tracker tracker_info.txt 1", "p2p client 0.0.0.0:6000 tracker_info.txt", "p2p client --help"]],
  [
    "client",
    [
      "p2p client 0.0.0.0:6000 tracker_info.txt",
      "p2p client 127.0.0.1:6001 tracker_info.txt -c 'login bob builder; list_groups'",
      "p2p client 127.0.0.1:6001 tracker_info.txt --json < commands.txt",
      "p2p client 192.168.1.20:6000 tracker_info.txt --stay --data-dir ./seed < commands.txt",
    ],
  ],
  [
    "tracker",
    ["p2p tracker tracker_info.txt 1", "p2p tracker tracker_info.txt 2 --data-dir ./t2 --print-fingerprint"],
  ],
  [
    "doctor",
    [
      "p2p doctor tracker_info.txt",
      "p2p doctor tracker_info.txt 192.168.1.20:6000 --json",
      "p2p doctor tracker_info.txt --tracker 2",
    ],
  ],
  ["completion", ["p2p completion bash"]],
]);
