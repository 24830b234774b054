// What a query function needs: something that runs one SQL statement (a pool, or a client inside a transaction).

/** A statement that a session keeps: it is parsed and planned once per session, where planning costs more than running it
 *  (the claim: 8 ms of planning, under 1 ms of work). `name` is the statement's own in the whole program. */
export interface Prepared {
  readonly name: string;
  readonly text: string;
}

export interface Queryable {
  query<Row extends object>(
    statement: string | Prepared,
    values?: unknown[],
  ): Promise<{ rows: Row[]; rowCount: number | null }>;
}
