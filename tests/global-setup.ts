// One PostgreSQL for a whole test run; tests clone databases from it.

import { startTestPostgres } from "../packages/server/src/db/test-database.ts";

export default startTestPostgres;
