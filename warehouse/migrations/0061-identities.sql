-- The one form of a phone number and of a mail address. Everything that makes an identity asks here: the models for what providers send, the
-- programs for what people type (warehouse/identities.py). Which schemes there are stands in dbt_project/seeds/identity_schemes.csv.

-- A number as E.164, null where it is none. `country` is that of the number at the other end: it says what a national spelling means.
-- What people put between digits is read before (warehouse/identities.py). Not strict, so that the planner can inline it.
create function canonical.phone_number(written text, country text) returns text
language sql immutable parallel safe as $$
    select case
        -- The trunk zero of a number that is written for both sides of a border.
        when written ~ '^\+?610[2-478][0-9]{8}$' then '+61' || right(written, 9)
        -- Mexican numbers carry a 1 that is not dialled.
        when written ~ '^\+521[0-9]{10}$' then '+52' || right(written, 10)
        when written ~ '^\+[1-9][0-9]{6,14}$' then written
        when written ~ '^61[2-478][0-9]{8}$' then '+' || written
        -- National spellings, as somebody in the country of our number would dial them; 13, 1300 and 1800 are numbers of businesses.
        when country = 'AU' and written ~ '^0[2-478][0-9]{8}$' then '+61' || right(written, 9)
        when country = 'AU' and written ~ '^(1300[0-9]{6}|1800[0-9]{6}|13[1-9][0-9]{3})$' then '+61' || written
    end
$$;

-- The characters of one label of a domain in ASCII, without `xn--` (RFC 3492, with the parameters of its section 5).
create function canonical.punycode(label text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    points integer[] := array(select ascii(letter) from regexp_split_to_table(label, '') with ordinality as letters (letter, place) order by place);
    written text := regexp_replace(label, '[^\u0001-\u007f]', '', 'g');
    basic integer := length(written);
    done integer := basic;
    lowest integer := 128;
    delta integer := 0;
    bias integer := 72;
    next_lowest integer;
    point integer;
    rest integer;
    step integer;
    threshold integer;
    digit integer;
begin
    if basic > 0 then
        written := written || '-';
    end if;
    while done < cardinality(points) loop
        select min(each) into next_lowest from unnest(points) as each where each >= lowest;
        delta := delta + (next_lowest - lowest) * (done + 1);
        lowest := next_lowest;
        foreach point in array points loop
            if point < lowest then
                delta := delta + 1;
            elsif point = lowest then
                rest := delta;
                step := 36;
                loop
                    threshold := least(greatest(step - bias, 1), 26);
                    exit when rest < threshold;
                    digit := threshold + (rest - threshold) % (36 - threshold);
                    written := written || substr('abcdefghijklmnopqrstuvwxyz0123456789', digit + 1, 1);
                    rest := (rest - threshold) / (36 - threshold);
                    step := step + 36;
                end loop;
                written := written || substr('abcdefghijklmnopqrstuvwxyz0123456789', rest + 1, 1);
                -- How far apart the next ones may be expected (section 6.1).
                delta := case when done = basic then delta / 700 else delta / 2 end;
                delta := delta + delta / (done + 1);
                step := 0;
                while delta > 455 loop
                    delta := delta / 35;
                    step := step + 36;
                end loop;
                bias := step + 36 * delta / (delta + 38);
                delta := 0;
                done := done + 1;
            end if;
        end loop;
        delta := delta + 1;
        lowest := lowest + 1;
    end loop;
    return written;
end $$;

-- A domain in lower case and in ASCII (RFC 5890), without the dot of the root: `Bücher.example.` and `xn--bcher-kva.example` are one. A label that
-- is longer than any domain allows stays as it is.
create function canonical.mail_domain(domain text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    lowered text := rtrim(lower(translate(normalize(domain, nfkc), '。', '.')), '.');
begin
    if lowered ~ '^[\u0001-\u007f]*$' or length(lowered) > 253 then
        return lowered;
    end if;
    return (
        select string_agg(
            case when label ~ '^[\u0001-\u007f]*$' or length(label) > 63 then label else 'xn--' || canonical.punycode(label) end, '.' order by place
        )
        from unnest(string_to_array(lowered, '.')) with ordinality as labels (label, place)
    );
end $$;

-- An address in lower case, its domain as above. Quotes that are not needed go: `"sam"@example.com` is sam@example.com. What is no
-- address stays what it is.
create function canonical.mail_address(written text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    address text := btrim(written);
    name text;
begin
    -- Nearly all are plain, and this is asked for every address of every mail.
    if address ~ '^[\u0021\u0023-\u005b\u005d-\u007e]+$' and address !~ '\.$' or strpos(address, '@') = 0 then
        return lower(address);
    end if;
    name := normalize(regexp_replace(address, '@[^@]*$', ''), nfc);
    if name ~ '^".*"$' and length(name) > 2 then
        name := regexp_replace(substr(name, 2, length(name) - 2), '\\(.)', '\1', 'g');
        if name !~ '^[^\s\u0001-\u0020"(),:;<>@\[\\\]\u007f]+$' or name ~ '^\.|\.$|\.\.' then
            name := '"' || regexp_replace(name, '(["\\])', '\\\1', 'g') || '"';
        end if;
    end if;
    return lower(name) || '@' || canonical.mail_domain(regexp_replace(address, '^.*@', ''));
end $$;

-- An identity in its one form. Of other schemes the provider's own writing is that form.
create function canonical.normal_identity(identity text) returns text
language sql immutable parallel safe as $$
    select case
        when identity like 'phone:%' then 'phone:' || coalesce(canonical.phone_number(substr(identity, 7), 'AU'), substr(identity, 7))
        when identity like 'email:%' then 'email:' || canonical.mail_address(substr(identity, 7))
        else identity
    end
$$;

-- Links that were made under another spelling follow. Where the one form has an open link already, that one stands and the other stays as
-- the decision that it was.
do $do$
declare
    link record;
begin
    for link in
        select link_id, identity, ended_at from crm.identity_links where canonical.normal_identity(identity) <> identity order by linked_at, link_id
    loop
        if link.ended_at is not null or not exists (
            select from crm.identity_links as other where other.identity = canonical.normal_identity(link.identity) and other.ended_at is null
        ) then
            update crm.identity_links set identity = canonical.normal_identity(link.identity) where link_id = link.link_id;
        end if;
    end loop;
end $do$;
