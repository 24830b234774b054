-- What a run costs beside its seconds: for itself, and for each of its outputs (docs/wire-contract.md, "Prices").
alter table tasks
  add column request_price numeric not null default 0,
  add column output_price numeric not null default 0;
