BEGIN TRANSACTION;
CREATE TABLE change (
	facility_code VARCHAR(32) NOT NULL, 
	sequence BIGINT NOT NULL, 
	owner_code VARCHAR(32) NOT NULL, 
	resource_type VARCHAR(64) NOT NULL, 
	resource_id VARCHAR(64) NOT NULL, 
	version INTEGER NOT NULL, 
	origin_device_id VARCHAR(36) NOT NULL, 
	CONSTRAINT pk_change PRIMARY KEY (facility_code, sequence), 
	CONSTRAINT fk_change_resource_version FOREIGN KEY(owner_code, resource_type, resource_id, version) REFERENCES resource_version (facility_code, resource_type, resource_id, version), 
	CONSTRAINT fk_change_facility FOREIGN KEY(facility_code) REFERENCES facility (code)
);
INSERT INTO "change" VALUES('DEMO0001',1,'DEMO0001','Patient','0197a000-0000-7000-8000-000000000001',1,'190c099c-613e-4717-9bcc-7640d7fd44fe');
INSERT INTO "change" VALUES('DEMO0001',2,'DEMO0001','Encounter','0197a000-0000-7000-8000-000000000002',1,'190c099c-613e-4717-9bcc-7640d7fd44fe');
INSERT INTO "change" VALUES('DEMO0001',3,'DEMO0001','Observation','0197a000-0000-7000-8000-000000000002-v1',1,'190c099c-613e-4717-9bcc-7640d7fd44fe');
INSERT INTO "change" VALUES('DEMO0001',4,'DEMO0001','Patient','0197a000-0000-7000-8000-000000000001',2,'190c099c-613e-4717-9bcc-7640d7fd44fe');
INSERT INTO "change" VALUES('DEMO0001',5,'DEMO0001','Patient','p1',1,'190c099c-613e-4717-9bcc-7640d7fd44fe');
INSERT INTO "change" VALUES('DEMO0001',6,'DEMO0001','Encounter','e1',1,'190c099c-613e-4717-9bcc-7640d7fd44fe');
INSERT INTO "change" VALUES('DEMO0001',7,'DEMO0001','Observation','e1-o1',1,'190c099c-613e-4717-9bcc-7640d7fd44fe');
CREATE TABLE device (
	id VARCHAR(36) NOT NULL, 
	facility_code VARCHAR(32) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	token_hash BLOB NOT NULL, 
	public_key TEXT, 
	enrolled_at BIGINT NOT NULL, 
	revoked_at BIGINT, 
	last_contact_at BIGINT, 
	program VARCHAR(100), 
	CONSTRAINT pk_device PRIMARY KEY (id), 
	CONSTRAINT fk_device_facility FOREIGN KEY(facility_code) REFERENCES facility (code), 
	CONSTRAINT uq_device_token_hash UNIQUE (token_hash)
);
INSERT INTO "device" VALUES('190c099c-613e-4717-9bcc-7640d7fd44fe','DEMO0001','Máy 1',X'EA80024E6647689A762E2A8E92FBA4F87114478992A3CBE55AA116882E0F1D25',NULL,1,NULL,NULL,NULL);
CREATE TABLE enrolment_code (
	code_hash BLOB NOT NULL, 
	facility_code VARCHAR(32) NOT NULL, 
	expires_at BIGINT NOT NULL, 
	used_at BIGINT, 
	CONSTRAINT pk_enrolment_code PRIMARY KEY (code_hash), 
	CONSTRAINT fk_enrolment_code_facility FOREIGN KEY(facility_code) REFERENCES facility (code)
);
CREATE TABLE facility (
	code VARCHAR(32) NOT NULL, 
	name VARCHAR(300) NOT NULL, 
	added_at BIGINT NOT NULL, 
	last_sequence BIGINT NOT NULL, 
	last_write_at BIGINT NOT NULL, 
	CONSTRAINT pk_facility PRIMARY KEY (code)
);
INSERT INTO "facility" VALUES('DEMO0001','Trạm mẫu DEMO0001',1,7,1763700000002);
CREATE TABLE resource (
	facility_code VARCHAR(32) NOT NULL, 
	resource_type VARCHAR(64) NOT NULL, 
	resource_id VARCHAR(64) NOT NULL, 
	version INTEGER NOT NULL, 
	last_updated BIGINT NOT NULL, 
	content_hash BLOB NOT NULL, 
	patient_id VARCHAR(64), 
	status VARCHAR(64), 
	date_low BIGINT, 
	date_high BIGINT, 
	CONSTRAINT pk_resource PRIMARY KEY (facility_code, resource_type, resource_id), 
	CONSTRAINT fk_resource_facility FOREIGN KEY(facility_code) REFERENCES facility (code)
);
INSERT INTO "resource" VALUES('DEMO0001','Encounter','0197a000-0000-7000-8000-000000000002',1,1763700000000,X'F4E669B01A560D327000A2EE118BACA5531417D4EED5668D344D8EEED9785653','0197a000-0000-7000-8000-000000000001','finished',1795136400000,1795137600999);
INSERT INTO "resource" VALUES('DEMO0001','Observation','0197a000-0000-7000-8000-000000000002-v1',1,1763700000000,X'021F9AE5F61C47F69D6F910EF16F7F04271935529982A418FAEF5EA463B6F536','0197a000-0000-7000-8000-000000000001','final',1795136700000,1795136700999);
INSERT INTO "resource" VALUES('DEMO0001','Patient','0197a000-0000-7000-8000-000000000001',2,1763700000001,X'E518FBEB78C33ADC5061A61F738218B6960212CF1F75CFA9D8811AEB559B02D2',NULL,NULL,642877200000,642963599999);
INSERT INTO "resource" VALUES('DEMO0001','Encounter','e1',1,1763700000002,X'E40F71BE402794E3D10B07572B17B2380871ED005DB30C0094DF1DA86C49FE40','p1','finished',1795136400000,1795137600999);
INSERT INTO "resource" VALUES('DEMO0001','Observation','e1-o1',1,1763700000002,X'F36917814E9DD6DBB7D85FD7CE7EB965083ABF81DA01D9140E31B05622D2DC2C','p1','final',1795136700000,1795136700999);
INSERT INTO "resource" VALUES('DEMO0001','Patient','p1',1,1763700000002,X'1A2EF3503316CD78EFB66646BF82A8D02FBC354B267BB3435BC2AFBBF0EA8D3E',NULL,NULL,642877200000,642963599999);
CREATE TABLE resource_identifier (
	facility_code VARCHAR(32) NOT NULL, 
	resource_type VARCHAR(64) NOT NULL, 
	value VARCHAR(200) NOT NULL, 
	system VARCHAR(300) NOT NULL, 
	resource_id VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_resource_identifier PRIMARY KEY (facility_code, resource_type, value, system, resource_id), 
	CONSTRAINT fk_resource_identifier_resource FOREIGN KEY(facility_code, resource_type, resource_id) REFERENCES resource (facility_code, resource_type, resource_id)
);
CREATE TABLE resource_version (
	facility_code VARCHAR(32) NOT NULL, 
	resource_type VARCHAR(64) NOT NULL, 
	resource_id VARCHAR(64) NOT NULL, 
	version INTEGER NOT NULL, 
	last_updated BIGINT NOT NULL, 
	device_id VARCHAR(36) NOT NULL, 
	meta TEXT NOT NULL, 
	content TEXT NOT NULL, 
	CONSTRAINT pk_resource_version PRIMARY KEY (facility_code, resource_type, resource_id, version), 
	CONSTRAINT fk_resource_version_resource FOREIGN KEY(facility_code, resource_type, resource_id) REFERENCES resource (facility_code, resource_type, resource_id), 
	CONSTRAINT fk_resource_version_device FOREIGN KEY(device_id) REFERENCES device (id)
);
INSERT INTO "resource_version" VALUES('DEMO0001','Patient','0197a000-0000-7000-8000-000000000001',1,1763700000000,'190c099c-613e-4717-9bcc-7640d7fd44fe','{}','{"birthDate":"1990-05-17","gender":"female","name":[{"text":"Nguyễn Thị Mẫu"}]}');
INSERT INTO "resource_version" VALUES('DEMO0001','Encounter','0197a000-0000-7000-8000-000000000002',1,1763700000000,'190c099c-613e-4717-9bcc-7640d7fd44fe','{}','{"class":{"code":"AMB","system":"http://terminology.hl7.org/CodeSystem/v3-ActCode"},"period":{"end":"2026-11-20T08:20:00+07:00","start":"2026-11-20T08:00:00+07:00"},"status":"finished","subject":{"reference":"Patient/0197a000-0000-7000-8000-000000000001"}}');
INSERT INTO "resource_version" VALUES('DEMO0001','Observation','0197a000-0000-7000-8000-000000000002-v1',1,1763700000000,'190c099c-613e-4717-9bcc-7640d7fd44fe','{}','{"code":{"coding":[{"code":"8310-5","system":"http://loinc.org"}]},"effectiveDateTime":"2026-11-20T08:05:00+07:00","encounter":{"reference":"Encounter/0197a000-0000-7000-8000-000000000002"},"status":"final","subject":{"reference":"Patient/0197a000-0000-7000-8000-000000000001"},"valueQuantity":{"code":"Cel","system":"http://unitsofmeasure.org","unit":"°C","value":37.5}}');
INSERT INTO "resource_version" VALUES('DEMO0001','Patient','0197a000-0000-7000-8000-000000000001',2,1763700000001,'190c099c-613e-4717-9bcc-7640d7fd44fe','{}','{"birthDate":"1990-05-17","gender":"female","name":[{"text":"Nguyễn Thị Mẫu Hai"}]}');
INSERT INTO "resource_version" VALUES('DEMO0001','Patient','p1',1,1763700000002,'190c099c-613e-4717-9bcc-7640d7fd44fe','{}','{"birthDate":"1990-05-17","gender":"female","name":[{"text":"Nguyễn Thị Mẫu"}]}');
INSERT INTO "resource_version" VALUES('DEMO0001','Encounter','e1',1,1763700000002,'190c099c-613e-4717-9bcc-7640d7fd44fe','{}','{"class":{"code":"AMB","system":"http://terminology.hl7.org/CodeSystem/v3-ActCode"},"period":{"end":"2026-11-20T08:20:00+07:00","start":"2026-11-20T08:00:00+07:00"},"status":"finished","subject":{"reference":"Patient/p1"}}');
INSERT INTO "resource_version" VALUES('DEMO0001','Observation','e1-o1',1,1763700000002,'190c099c-613e-4717-9bcc-7640d7fd44fe','{}','{"code":{"coding":[{"code":"8310-5","system":"http://loinc.org"}]},"effectiveDateTime":"2026-11-20T08:05:00+07:00","encounter":{"reference":"Encounter/e1"},"status":"final","subject":{"reference":"Patient/p1"},"valueQuantity":{"code":"Cel","system":"http://unitsofmeasure.org","unit":"°C","value":37.5}}');
CREATE TABLE server_fact (
	name VARCHAR(64) NOT NULL, 
	value VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_server_fact PRIMARY KEY (name)
);
INSERT INTO "server_fact" VALUES('schema_version','1');
INSERT INTO "server_fact" VALUES('epoch','a03da5295e46e036d5568dd20198801c');
CREATE INDEX ix_device_facility_code ON device (facility_code);
CREATE INDEX ix_resource_facility_code_resource_type_last_updated_resource_id ON resource (facility_code, resource_type, last_updated, resource_id);
CREATE INDEX ix_resource_facility_code_resource_type_patient_id ON resource (facility_code, resource_type, patient_id);
CREATE INDEX ix_resource_facility_code_resource_type_date_low ON resource (facility_code, resource_type, date_low);
CREATE INDEX ix_resource_identifier_facility_code_resource_type_resource_id ON resource_identifier (facility_code, resource_type, resource_id);
CREATE TRIGGER resource_version_refuse_update BEFORE UPDATE ON resource_version BEGIN SELECT RAISE(ABORT, 'resource_version is append-only'); END;
CREATE TRIGGER resource_version_refuse_delete BEFORE DELETE ON resource_version BEGIN SELECT RAISE(ABORT, 'resource_version is append-only'); END;
CREATE TRIGGER change_refuse_update BEFORE UPDATE ON change BEGIN SELECT RAISE(ABORT, 'change is append-only'); END;
CREATE TRIGGER change_refuse_delete BEFORE DELETE ON change BEGIN SELECT RAISE(ABORT, 'change is append-only'); END;
COMMIT;
