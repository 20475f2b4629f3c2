/** The process that `Attacker` starts: does what its one argument says, and tells how far it has come. */
import { crowd } from "./crowd.ts";
import { flood } from "./flood.ts";
import { garbage } from "./garbage.ts";
import { handshakes } from "./handshakes.ts";
import type { Order } from "./order.ts";
import { TellTale } from "./tell-tale.ts";

const order = JSON.parse(process.argv[2] ?? "") as Order;
const tale = new TellTale();
if (order.attack === "crowd") await crowd(order, tale);
else if (order.attack === "garbage") await garbage(order, tale);
else if (order.attack === "handshakes") await handshakes(order, tale);
else await flood(order, tale);
tale.tell();
process.exit(0);
