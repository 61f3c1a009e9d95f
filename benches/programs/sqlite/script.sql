-- Inserts by a recursive query, indexes, joins, aggregates, updates, deletes, text functions.
create table item (id integer primary key, name text not null, price integer not null, kind integer not null);
create table sale (id integer primary key, item integer not null, day integer not null, amount integer not null);
begin;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 4000)
insert into item select i, 'item ' || (i * 7919 % 4001), i * 31 % 997, i % 17 from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 16000)
insert into sale select i, i * 104729 % 4000 + 1, i * 13 % 365, i * 17 % 50 + 1 from n;
commit;
create index sale_by_item on sale (item, day);
create index item_by_name on item (name);

select kind, count(*), sum(price * amount), max(name)
from sale join item on item.id = sale.item group by kind order by 3 desc limit 5;

select day, total, sum(total) over (order by day) as running
from (select day, sum(amount) as total from sale group by day) order by total desc, day limit 5;

select count(*), sum(length(name)), min(upper(name)) from item where name like '%7%' and name not like '%77%';

select name, (select count(*) from sale where sale.item = item.id and day between 100 and 200) as n
from item order by n desc, name limit 5;

update item set price = price + (select count(*) from sale where item = item.id) where kind < 6;
delete from sale where day % 7 = 3 and amount < 20;
select count(*), sum(amount), sum(price) from sale join item on item.id = sale.item;

select substr(name, -2) as ending, count(distinct kind), group_concat(id % 10, '')
from (select * from item where id < 400) group by ending order by 2 desc, 1 limit 4;
