-- Of verified organizations with the same short name the one that was verified first keeps it. The others
-- have none from now on, and may choose another.
UPDATE "organizations" SET "short_name" = null, "version" = "version" + 1, "updated_at" = now()
WHERE "id" IN (
  SELECT "id" FROM (
    SELECT "id", row_number() OVER (
      PARTITION BY lower(normalize("short_name", nfkc)) ORDER BY "verified_at" NULLS LAST, "id"
    ) AS place
    FROM "organizations"
    WHERE "short_name" IS NOT NULL AND "status" IN ('verified', 'suspended')
  ) AS ranked
  WHERE place > 1
);
--> statement-breakpoint
CREATE UNIQUE INDEX "organizations_short_name_verified" ON "organizations" USING btree (lower(normalize("short_name", nfkc))) WHERE status in ('verified', 'suspended');