-- Functions that read a provider's text are asked for every copy of every message. A pattern that counts (`{6,14}`) makes PostgreSQL build a
-- state for each character; one that repeats (`*`) beside a length costs a fifth. Each gives what it gave before.

create or replace function canonical.try_integer(value text) returns integer
language sql immutable parallel safe as $$
    select case when value ~ '^-?[0-9]+$' and length(ltrim(value, '-')) <= 9 then value::integer end
$$;

create or replace function canonical.from_epoch_ms(value text) returns timestamptz
language sql immutable parallel safe as $$
    select case when value ~ '^[0-9]+$' and length(value) <= 14 then to_timestamp(value::numeric / 1000) end
$$;

create or replace function canonical.from_epoch(value text) returns timestamptz
language sql immutable parallel safe as $$
    select case
        when value ~ '^[0-9]+$' and length(value) <= 11 then to_timestamp(value::double precision)
        when value ~ '^[0-9]{1,11}(\.[0-9]+)?$' then to_timestamp(value::numeric::double precision)
        when value ~ '^[0-9]{12,14}(\.[0-9]{1,9})?$' then to_timestamp(trunc(value::numeric) / 1000)
    end
$$;

do $do$
begin
    if current_setting('server_version_num')::integer >= 160000 then
        create or replace function canonical.try_timestamptz(value text) returns timestamptz
        language sql stable parallel safe as $$
            select case
                when (
                    -- As Twilio and Gmail write nearly all of theirs.
                    value like '____-__-__T__:__:__Z' and value ~ '^[0-9TZ:-]*$'
                    or value like '___, __ ___ ____ __:__:__ +____' and value ~ '^[A-Z][a-z]*, [0-9]+ [A-Z][a-z]* [0-9]+ [0-9:]+ [+][0-9]+$'
                    or value ~ '^([A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}$'
                    or value ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$'
                ) and pg_input_is_valid(value, 'timestamptz')
                then value::timestamptz
            end
        $$;
    end if;
end $do$;

create or replace function canonical.phone_number(written text, country text) returns text
language sql immutable parallel safe as $$
    select case
        when written ~ '^\+[1-9][0-9]*$' and length(written) between 8 and 16 and left(written, 4) not in ('+610', '+521') then written
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

-- The country of one of our numbers; ZZ (unknown) where we have no rule, so that scopes never mix by accident.
create function canonical.country_of(number text) returns text
language sql immutable parallel safe as $$
    select case
        when strpos(number, '+61') > 0 then 'AU'
        when strpos(number, '+64') > 0 then 'NZ'
        when strpos(number, '+44') > 0 then 'GB'
        when number ~ '\+1[0-9]{10}$' then 'US'
        else 'ZZ'
    end
$$;

-- The user of a client or SIP address: without its port and parameters, the host in lower case.
create function canonical.sip_user(address text) returns text
language plpgsql immutable parallel safe as $$
declare
    bare text := regexp_replace(regexp_replace(address, '^[a-z]+:([^;?>]*).*$', '\1'), ':[0-9]{1,5}$', '');
begin
    if strpos(bare, '@') > 0 then
        return regexp_replace(bare, '@[^@]*$', '') || '@' || lower(regexp_replace(bare, '^.*@', ''));
    end if;
    return bare;
end $$;

-- A Twilio address as an identity (docs/providers/twilio.md): `scheme:value` or `scheme:scope:value`. `other` is the address at the other end: it
-- gives the country of short codes, national spellings and alphanumeric senders, and the page or the number whose business-scoped ids these
-- are. What is none of the known forms is `unknown`, and says so. plpgsql, so that the everyday number ends at the first question.
create function canonical.twilio_identity(address text, other text) returns text
language plpgsql immutable parallel safe as $$
declare
    country text;
    found text;
begin
    if address is null then
        return null;
    end if;
    country := canonical.country_of(other);
    found := canonical.phone_number(address, country);
    if found is not null then
        return 'phone:' || found;
    end if;
    return canonical.bounded_key(case
        when address ~ '^(whatsapp|rcs):[+0-9]' then coalesce(
            'phone:' || canonical.phone_number(substr(address, strpos(address, ':') + 1), country),
            case when address ~ '^rcs:' then address else 'unknown:' || address end
        )
        when address ~ '^messenger:.+$' then 'psid:' || regexp_replace(other, '^messenger:', '') || ':' || substr(address, 11)
        -- People who show no number: an id of the business, which Twilio passes on as it is.
        when address ~ '^whatsapp:[A-Z]{2}\.[A-Za-z0-9.]+$' then 'bsuid:' || regexp_replace(other, '^whatsapp:', '') || ':' || substr(address, 10)
        when address ~ '^(sim|rcs):.+$' then address
        when address ~ '^(client|sips?):.+$' then regexp_replace(address, '^(client|sip)s?:.*$', '\1') || ':' || other || ':' || canonical.sip_user(address)
        when address ~ '^[0-9]{3,8}$' then 'short_code:' || country || ':' || address
        when lower(address) in ('anonymous', 'restricted', 'unavailable', 'unknown', 'private', 'blocked') then 'unknown:' || lower(address)
        when address ~ '^[A-Za-z0-9 &+_.-]{1,11}$' and address ~ '[A-Za-z]' then 'alphanumeric:' || country || ':' || upper(address)
        when address <> '' then 'unknown:' || address
    end);
end $$;

-- Callers that a network names instead of a number; most parse as numbers of foreign countries, so this is asked first
-- (docs/providers/twilio.md). An empty address is one of them, a missing one is not.
create function canonical.is_withheld(address text) returns boolean
language sql immutable parallel safe as $$
    select coalesce(lower(address) in (
        '+266696687', '+7378742833', '+2562533', '+8656696', '+8566696', '+86282452253', '+464',
        'anonymous', 'restricted', 'unavailable', 'unknown', 'private', 'blocked', ''
    ), false)
$$;

-- An address of a call as an identity: a client or SIP address belongs to the account, without its parameters.
create function canonical.caller_identity(address text, other text, account text) returns text
language plpgsql immutable parallel safe as $$
begin
    if canonical.is_withheld(address) then
        return null;
    end if;
    if address ~ '^(client|sips?):' then
        return canonical.bounded_key(
            regexp_replace(address, '^(client|sip)s?:.*$', '\1') || ':' || coalesce(account, '') || ':' || canonical.sip_user(address)
        );
    end if;
    return canonical.twilio_identity(address, other);
end $$;

-- An id of Twilio's: two letters that say of what, and 32 digits in lower case.
create function canonical.is_sid(value text, prefix text) returns boolean
language sql immutable parallel safe as $$
    select length(value) = 34 and left(value, 2) = prefix and substr(value, 3) !~ '[^0-9a-f]'
$$;
