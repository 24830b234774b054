// What a query function needs: something that runs one SQL statement (a pool, or a client inside a transaction).

export interface Queryable {
  query<Row extends object>(
    text: string,
    values?: unknown[],
  ): Promise<{ rows: Row[]; rowCount: number | null }>;
}
