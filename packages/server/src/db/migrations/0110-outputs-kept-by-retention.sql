-- Outputs are kept as long as the settings of retention say, which may change: no moment is written down for each.
alter table outputs drop column expires_at;
